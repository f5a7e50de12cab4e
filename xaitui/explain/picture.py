"""The picture of a map: the image, the map over it, its scale, and words on what it is and how far to trust it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from xaitui.colormap import coloured, over, scaled
from xaitui.system.atomic_files import replacing

SIDE = 224
"""Pixels that an image and a map take; whole multiples of their own pixels, so that none is blurred."""
_GAP, _BAR, _LINE, _SIZE = 8, 14, 15, 12


def save_picture(
    path: Path,
    image: NDArray[np.uint8],
    attribution: NDArray[np.float32],
    lines: Sequence[str],
    *,
    signed: bool,
    absolute: bool = False,
) -> None:
    """Write a PNG.

    Args:
        path: where; its folder is there.
        image: (H, W, 1) or (H, W, 3), of the side of the map or another.
        attribution: (h, w); positive speaks for the class.
        lines: the words below.
        signed: whether the method tells for from against.
        absolute: show sizes only.
    """
    signed = signed and not absolute
    height, width = attribution.shape
    factor = max(1, SIDE // max(height, width))
    size = (width * factor, height * factor)
    photo = Image.fromarray(np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image)
    small = photo.resize((width, height), Image.Resampling.BILINEAR) if photo.size != (width, height) else photo
    values = scaled(attribution, absolute=absolute)
    painted = Image.fromarray(over(np.asarray(small), values, signed=signed))
    font = ImageFont.load_default(_SIZE)
    words = max((int(font.getlength(line)) for line in lines), default=0)
    across = max(2 * size[0] + _BAR + 5 * _GAP + 48, words + 2 * _GAP)
    page = Image.new("RGB", (across, size[1] + 2 * _GAP + _LINE * len(lines) + _GAP), "white")
    for place, part in enumerate((photo, painted)):
        page.paste(part.resize(size, Image.Resampling.NEAREST), (_GAP + place * (size[0] + _GAP), _GAP))
    draw = ImageDraw.Draw(page)
    left = 2 * size[0] + 3 * _GAP
    low, high = (-1.0, 1.0) if signed else (0.0, 1.0)
    ramp = np.linspace(high, low, size[1], dtype=np.float32)[:, None]
    page.paste(Image.fromarray(coloured(np.repeat(ramp, _BAR, axis=1), signed=signed)), (left, _GAP))
    for word, top in (("for" if signed else "much", _GAP), ("against" if signed else "none", size[1] + _GAP - _LINE)):
        draw.text((left + _BAR + 4, top), word, "black", font)
    for row, line in enumerate(lines):
        draw.text((_GAP, size[1] + 2 * _GAP + row * _LINE), line, "black", font)
    with replacing(path) as file:
        page.save(file, "PNG")
