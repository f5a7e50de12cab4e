"""Survey of the image files of a folder: sizes, grey levels, damage; cached beside the decoded images."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from xaitui.data.dataset import GreyRange, ListedFile
from xaitui.data.picture import Picture, PictureError, damage, grey_levels, probe
from xaitui.errors import DataError
from xaitui.system.atomic_files import replacing
from xaitui.system.damaged_files import FILE_DAMAGE
from xaitui.system.disk import writing_to
from xaitui.text import listed, printable

LARGEST_SIDE = 224
"""Side in pixels above which images are scaled down unless a size is given."""

_ROW = np.dtype(
    [
        ("width", "<i8"),
        ("height", "<i8"),
        ("is_grey", "?"),
        ("is_deep", "?"),
        ("low", "<f8"),
        ("high", "<f8"),
        ("is_damaged", "?"),
    ]
)
Stamp = tuple[str, int, str]
"""Path below the dataset's folder, length in bytes, MD5."""


@dataclass(frozen=True)
class Survey:
    """Survey of image files before decoding."""

    folder: Path
    memo: Path
    """File in which it is cached."""
    stamps: Mapping[Path, Stamp]
    """State of every file, in the order of the listing."""
    pictures: Mapping[Path, Picture]
    """Headers of the readable files."""
    levels: Mapping[Path, GreyRange]
    """Lowest and highest pixel of the images of more than 8 bits."""
    damaged: Mapping[Path, str]
    """Unusable files, with the reasons."""

    def with_damage(self, found: Mapping[Path, str]) -> Survey:
        """Add images that could not be decoded, and update the cache."""
        damaged = {**self.damaged, **found}
        survey = replace(self, damaged={path: damaged[path] for path in self.stamps if path in damaged})
        survey.write()
        return survey

    def checked(self) -> Survey:
        """Decode all files not known to be damaged, so that all damaged files can be reported at once."""
        found = {path: reason for path in self.stamps if path not in self.damaged and (reason := damage(path))}
        return self.with_damage(found)

    def refusal(self, *, can_skip: bool) -> DataError:
        """Return the error that names the damaged images; `can_skip` suggests --skip-damaged."""
        them = "them" if len(self.damaged) > 1 else "it"
        named = listed(f"{self.stamps[path][0]} ({reason})" for path, reason in self.damaged.items())
        skip = f", or leave {them} out with --skip-damaged" if can_skip else ""
        return DataError(
            f"{len(self.damaged):,} of {len(self.stamps):,} images in {printable(self.folder)} cannot be "
            f"used: {named}; remove {them}{skip}"
        )

    def left_out(self) -> tuple[str, ...]:
        """Return the damaged images with the reasons."""
        return tuple(printable(f"{self.stamps[path][0]}: {reason}") for path, reason in self.damaged.items())

    def skip_note(self) -> str:
        """Return the note that damaged images were skipped; empty if there are none."""
        if not self.damaged:
            return ""
        named = listed(self.stamps[path][0] for path in self.damaged)
        return f"{len(self.damaged):,} of {len(self.stamps):,} images are damaged and left out: {named}"

    def write(self) -> None:
        """Write the cache.

        Raises:
            DataError: the cache cannot be written.
        """
        nothing = Picture(0, 0, is_grey=False)
        rows = np.empty(len(self.stamps), _ROW)
        for row, path in enumerate(self.stamps):
            picture = self.pictures.get(path, nothing)
            low, high = self.levels.get(path, (0.0, 0.0))
            rows[row] = (
                picture.width,
                picture.height,
                picture.is_grey,
                picture.is_deep,
                low,
                high,
                path in self.damaged,
            )
        with writing_to(self.memo.parent), replacing(self.memo, durable=False) as file:
            np.save(file, rows)


def survey_pictures(folder: Path, files: Mapping[Path, ListedFile], cache: Path, name: str) -> Survey:
    """Read the headers of image files, and grey levels of those of more than 8 bits, or use the cached survey.

    Args:
        folder: of the set.
        files: the record of each of its image files.
        cache: folder that keeps the survey.
        name: beginning of its name there.

    Raises:
        DataError: the cache cannot be written.
    """
    stamps = {path: (file.name, file.size, file.md5) for path, file in files.items()}
    key = hashlib.sha256(json.dumps(["survey", list(stamps.values())]).encode()).hexdigest()[:16]
    memo = cache / f"{name}.survey.{key}.npy"
    return _kept(folder, memo, stamps) or _made(folder, memo, stamps)


def _kept(folder: Path, memo: Path, stamps: Mapping[Path, Stamp]) -> Survey | None:
    """Return the cached survey; None if there is none, or if damaged files may be usable now."""
    try:
        rows = np.load(memo, allow_pickle=False)
    except FILE_DAMAGE:
        return None
    if rows.dtype != _ROW or len(rows) != len(stamps):
        return None
    pictures, levels, damaged = {}, {}, {}
    for path, (width, height, is_grey, is_deep, low, high, is_damaged) in zip(stamps, rows.tolist(), strict=True):
        if width:
            pictures[path] = Picture(width, height, is_grey, is_deep)
        if is_deep:
            levels[path] = low, high
        if is_damaged:
            damaged[path] = damage(path)
    return Survey(folder, memo, stamps, pictures, levels, damaged) if all(damaged.values()) else None


def _made(folder: Path, memo: Path, stamps: Mapping[Path, Stamp]) -> Survey:
    pictures, levels, damaged = {}, {}, {}
    for path in stamps:
        try:
            pictures[path] = probe(path)
            if pictures[path].is_deep:
                levels[path] = grey_levels(path)
        except PictureError as error:
            damaged[path] = error.reason
    survey = Survey(folder, memo, stamps, pictures, levels, damaged)
    survey.write()
    return survey


def geometry(pictures: Iterable[Picture], side: int) -> tuple[int, int]:
    """Return side and channels for the images: the most common shorter side, grey if every image is."""
    pictures = list(pictures)
    sides = Counter(picture.short_side for picture in pictures)
    most_common = max(sides, key=lambda length: (sides[length], -length))
    return side or min(most_common, LARGEST_SIDE), 1 if all(picture.is_grey for picture in pictures) else 3
