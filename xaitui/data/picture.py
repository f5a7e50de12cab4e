"""Decoding of image files to square uint8 arrays."""

from __future__ import annotations

import contextlib
import importlib.util
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, features

from xaitui.data.dataset import GreyRange
from xaitui.errors import DataError
from xaitui.system.damaged_files import FILE_DAMAGE
from xaitui.text import printable


def decoding_rules(grey_range: GreyRange | None, *, has_deep: bool = True) -> str:
    """Describe how images are decoded, for a note to the user; of an animation the first frame is used.

    Args:
        grey_range: of the dataset; None where its images of more than 8 bits are divided.
        has_deep: whether there are images of more than 8 bits.
    """
    deep = "16-bit grey divided by 257" if grey_range is None else f"grey levels {range_text(grey_range)} made 0 to 255"
    steps = [
        "turned as EXIF says",
        "alpha laid over white",
        *([deep] if has_deep else []),
        "cropped to the middle square",
    ]
    return ", ".join(steps)


def range_text(grey_range: GreyRange) -> str:
    """Format a grey range."""
    return "{:g} to {:g}".format(*grey_range)


_ENDINGS = {
    "PNG": ".png .apng",
    "JPEG": ".jpg .jpeg .jpe .jfif .mpo",
    "BMP": ".bmp",
    "GIF": ".gif",
    "TIFF": ".tif .tiff",
    "WEBP": ".webp",
    "PPM": ".pgm .ppm .pbm .pnm",
    "JPEG2000": ".jp2 .j2k .j2c .jpc .jpf .jpx",
    "AVIF": ".avif .avifs",
    "QOI": ".qoi",
    "PSD": ".psd",
    "SUN": ".ras",
    "SGI": ".sgi .bw .rgb .rgba",
    "DIB": ".dib",
    "PCX": ".pcx",
    "TGA": ".tga .icb .vda .vst",
    "ICO": ".ico",
    "XBM": ".xbm",
    "XPM": ".xpm",
}
"""File name endings of Pillow's decoders. Left out are those that start a program (EPS: Ghostscript) or let the system
draw (WMF, EMF), those without a decoder of their own (PDF, MPEG, HDF5, GRIB, BUFR), those of floating-point numbers
without a range (PFM, FITS), and cursors, textures and other files of games and desktops."""
_BY_ENDING = frozenset({"JPEG2000", "SGI", "DIB", "PCX", "TGA", "ICO", "XBM", "XPM"})
"""Formats that are tried only where the ending names them; the others are recognised under any name. A damaged file of
another kind may be taken for one of these, and the JPEG 2000 library aborts the process on some damaged files."""
_IS_BUILT = {
    "AVIF": importlib.util.find_spec("PIL._avif") is not None,
    "JPEG2000": features.check_codec("jpg_2000"),
}
"""Formats whose library a build of Pillow may lack."""

FORMATS: dict[str, str] = {
    ending: name for name, endings in _ENDINGS.items() if _IS_BUILT.get(name, True) for ending in endings.split()
}
"""File name endings, in lower case, and Pillow's decoder for each."""

_GREY_MODES = ("1", "L", "LA", "I", "F")
_DAMAGE = (*FILE_DAMAGE, Image.DecompressionBombError, Image.DecompressionBombWarning)


class PictureError(DataError):
    """An image file that is missing, damaged, or of a kind that cannot be used."""

    def __init__(self, what: str, reason: str) -> None:
        """Set the image and the reason."""
        super().__init__(f"{what} cannot be used: {reason}")
        self.reason = reason


@dataclass(frozen=True)
class Picture:
    """Header of an image file."""

    width: int
    """In pixels, before rotation by EXIF."""
    height: int
    is_grey: bool
    is_deep: bool = False
    """Whether a grey level has more than 8 bits."""

    @property
    def short_side(self) -> int:
        """In pixels."""
        return min(self.width, self.height)


def probe(path: Path) -> Picture:
    """Read the header; raise PictureError if the file is not an image of an allowed size."""
    with _opened(path) as image:
        return Picture(*image.size, _is_grey(image), _is_deep(image))


def grey_levels(path: Path) -> GreyRange:
    """Return the lowest and highest pixel of a grey image; raise PictureError if it is damaged or not finite."""
    with _opened(path) as image:
        values = _levels(image)
        return float(values.min()), float(values.max())


def damage(path: Path) -> str:
    """Return why an image cannot be used; empty if it can."""
    try:
        with _opened(path) as image:
            _levels(image) if _is_deep(image) else _decode(image, 1, 3, None)
    except PictureError as error:
        return error.reason
    return ""


def decode(path: Path, side: int, channels: int, grey_range: GreyRange | None = None) -> NDArray[np.uint8]:
    """Return the image as uint8 (side, side, channels), grey or RGB; raise PictureError if it is damaged.

    A picture that is already of that size and 8 bit keeps its values; others are scaled with a bicubic filter.
    """
    with _opened(path) as image:
        return _decode(image, side, channels, grey_range)


def decode_image(
    image: Image.Image, side: int, channels: int, grey_range: GreyRange | None = None
) -> NDArray[np.uint8]:
    """Decode an image that is already open."""
    with _damage_of("picture"):
        return _decode(image, side, channels, grey_range)


def _decode(image: Image.Image, side: int, channels: int, grey_range: GreyRange | None) -> NDArray[np.uint8]:
    turned = _as_8_bit(ImageOps.exif_transpose(image), grey_range)
    plain = _without_alpha(turned, "L" if channels == 1 else "RGB")
    square = _middle_square(plain).resize((side, side), Image.Resampling.BICUBIC)
    return np.array(square, np.uint8).reshape(side, side, channels)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    with _damage_of(f"picture {printable(path)}"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about unusual tags; failures to decode are still errors
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        named = FORMATS.get(path.suffix.lower(), "PNG")
        with Image.open(path, formats=sorted({*FORMATS.values()} - _BY_ENDING | {named})) as image:
            yield image


@contextlib.contextmanager
def _damage_of(what: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0] or type(error).__name__
        raise PictureError(what, printable(reason)) from error


def _is_grey(image: Image.Image) -> bool:
    return image.mode in _GREY_MODES or image.mode.startswith("I;16")


def _is_deep(image: Image.Image) -> bool:
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def _levels(image: Image.Image) -> NDArray[np.float64]:
    values = np.asarray(image).astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("its pixels are not all finite numbers")
    return values


def _as_8_bit(image: Image.Image, grey_range: GreyRange | None) -> Image.Image:
    """Scale grey levels of more than 8 bits, all images of a dataset alike; without a range, 65,535 becomes 255."""
    if not _is_deep(image):
        return image
    values = _levels(image)
    if grey_range is None:
        if image.mode == "F":
            raise ValueError("its pixels are floating-point numbers, whose range is not known; save 8 or 16 bits")
        if values.min() < 0 or values.max() > 65_535:
            raise ValueError(f"its pixels reach from {values.min():.0f} to {values.max():.0f}; save 8 or 16 bits")
    low, high = grey_range or (0.0, 65_535.0)
    # Halves are rounded up, so that a range of 0 to 65,535 gives what dividing by 257 gives.
    scaled = np.floor((values.clip(low, high) - low) * (255 / (high - low) if high > low else 0.0) + 0.5)
    return Image.fromarray(scaled.astype(np.uint8))


def _without_alpha(image: Image.Image, mode: str) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert(mode)
    layered = image.convert("RGBA")
    white = Image.new(mode, image.size, "white")
    white.paste(layered.convert(mode), mask=layered.getchannel("A"))
    return white


def _middle_square(image: Image.Image) -> Image.Image:
    """Crop before scaling, so that the filter uses no pixels outside the crop."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side))
