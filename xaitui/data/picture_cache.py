"""Decoded images in the user's cache: one array per split, made once for given contents of the source files.

They lie among the unpacked arrays of `array_cache`, under the same kind of name, and are listed and freed with them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

from numpy.lib import format as npy

from xaitui.data.dataset import GreyRange
from xaitui.data.picture import PictureError, decode, decoding_rules
from xaitui.data.row_file import RowFile
from xaitui.data.source import Residency
from xaitui.data.survey import LARGEST_SIDE, Survey, geometry
from xaitui.system.disk import ensure_free, publish, writing_to
from xaitui.system.file_lock import exclusive


@dataclass(frozen=True)
class Form:
    """Size and channels of decoded images."""

    side: int
    """In pixels; 0 is the most common side."""
    grey_range: GreyRange | None
    channels: int = 0
    """1 or 3; 0 is 1 if every image is grey."""


class DamagedImagesError(Exception):
    """All images that cannot be decoded, with the reasons."""

    def __init__(self, damaged: Mapping[Path, str]) -> None:
        """Keep them."""
        super().__init__(f"{len(damaged)} damaged images")
        self.damaged = damaged


def decoded_rows(
    survey: Survey, pictures: Mapping[str, Sequence[Path]], form: Form, residency: Residency
) -> dict[str, RowFile]:
    """Return the images of each split as rows (N, side, side, C), decoded now if they are not in the cache.

    The key is a hash of the rules and of each file's path below the folder, length and content.

    Raises:
        DamagedImagesError: images cannot be decoded.
        DataError: there is no room for the arrays.
    """
    cache, name = survey.memo.parent, survey.memo.name.partition(".")[0]
    key = _key(survey, pictures, form)
    targets = {split: cache / f"{name}.{split}.{key}.npy" for split in pictures}
    damaged: dict[Path, str] = {}
    if not all(target.exists() for target in targets.values()):
        side, channels = geometry([survey.pictures[path] for paths in pictures.values() for path in paths], form.side)
        channels = form.channels or channels
        for split, target in targets.items():
            with writing_to(cache), exclusive(target.with_name(target.name + ".lock")):
                if not target.exists():
                    shape = (len(pictures[split]), side, side, channels)
                    damaged |= _write(pictures[split], shape, form.grey_range, target, residency)
    if damaged:
        raise DamagedImagesError(damaged)
    return {split: _rows(target) for split, target in targets.items()}


def _key(survey: Survey, pictures: Mapping[str, Sequence[Path]], form: Form) -> str:
    files = {split: [survey.stamps[path] for path in paths] for split, paths in pictures.items()}
    # A dataset without 16-bit images keeps the key, and so the cached arrays, of versions without a range.
    more = [each for each in (form.grey_range, form.channels) if each]
    return hashlib.sha256(
        json.dumps([decoding_rules(None), LARGEST_SIDE, form.side, files, *more]).encode()
    ).hexdigest()[:16]


def _write(
    paths: Sequence[Path],
    shape: tuple[int, int, int, int],
    grey_range: GreyRange | None,
    target: Path,
    residency: Residency,
) -> dict[Path, str]:
    """Write the array of a split, or return all damaged images if there are any."""
    ensure_free(target.parent, prod(shape))
    part = target.with_name(target.name + ".part")
    damaged = {}
    try:
        with part.open("wb") as file:
            npy.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
            for done, path in enumerate(paths, start=1):
                try:
                    file.write(decode(path, shape[1], shape[3], grey_range).data)
                except PictureError as error:
                    damaged[path] = error.reason
                residency.report(done * prod(shape[1:]), prod(shape))
        if not damaged:
            publish(part, target)
    finally:
        part.unlink(missing_ok=True)
    return damaged


def _rows(path: Path) -> RowFile:
    with path.open("rb") as file:
        npy.read_magic(file)
        (count, height, width, channels), _, _ = npy.read_array_header_1_0(file)
        return RowFile(path, offset=file.tell(), shape=(count, height, width, channels))
