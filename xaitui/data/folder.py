"""An own folder of pictures by class: ``folder/CLASS/*.png``, or ``folder/train|val|test/CLASS/*.png``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.records import DatasetInfo, Task
from xaitui.data.dataset import DataFile, Images
from xaitui.data.decode import FORMATS, RULES
from xaitui.data.decoded import decoded_rows
from xaitui.data.fingerprint import file_md5
from xaitui.data.rows import RowFile
from xaitui.data.source import SPLITS, Part, Residency, Source
from xaitui.errors import DataError
from xaitui.text import printable


def folder_source(folder: Path, side: int, residency: Residency) -> Source:
    """Return the pictures of a folder, `side` px square; its subfolders, in alphabetical order, are the classes.

    Where `side` is 0 it is the most common shorter side, 224 px at most. The set is grey if every picture is.

    Raises:
        DataError: a class is empty or not known in train, or a picture cannot be used; the message names it.
    """
    listing = list_pictures(folder)
    pictures = {split: [path for path, _ in found] for split, found in listing.pictures.items()}
    rows = decoded_rows(folder, pictures, side, residency)
    _, height, width, channels = rows["train"].shape
    info = folder_info(folder, listing, height, channels)
    parts = {split: Part(listing.labels(split), partial(_read, rows[split], residency.limit)) for split in rows}
    files = tuple(DataFile(str(file.path), file_md5(file.path)) for file in rows.values())
    note = f"pictures became {height}x{width} {'grey' if channels == 1 else 'RGB'}: {RULES}"
    return Source(info, parts, files, (note,))


def folder_info(folder: Path, listing: Listing, side: int, channels: int) -> DatasetInfo:
    """Describe the set that the pictures of a folder are, `side` px square."""
    return DatasetInfo(
        name=printable(folder.resolve().name),
        title=f"own pictures in {printable(folder)}",
        task=Task.BINARY if len(listing.classes) == 2 else Task.MULTI_CLASS,
        classes=tuple(map(printable, listing.classes)),
        channels=channels,
        sizes=(side,),
        counts=listing.counts,
        licence="",
    )


@dataclass(frozen=True)
class Listing:
    """What there is, before any picture is opened."""

    classes: tuple[str, ...]
    pictures: Mapping[str, list[tuple[Path, int]]]
    """For each split the files and the index of their class, in the order of their names."""

    @property
    def counts(self) -> tuple[int, int, int]:
        """Pictures in train, val and test."""
        train, val, test = (len(self.pictures.get(split, ())) for split in SPLITS)
        return train, val, test

    def labels(self, split: str) -> NDArray[np.int64]:
        """The class of each picture of a split, (N,)."""
        return np.array([label for _, label in self.pictures[split]], np.int64)


def list_pictures(folder: Path) -> Listing:
    """List the pictures of a folder; raise DataError where a class is empty or not known in train."""
    try:
        roots = _split_folders(folder)
        classes = [path.name for path in _subfolders(roots["train"])]
        if len(classes) < 2:
            raise DataError(
                f"{printable(roots['train'])} needs a subfolder of pictures for each of two or more classes"
            )
        pictures = {split: list(_pictures_of_split(root, classes)) for split, root in roots.items()}
    except OSError as error:
        raise DataError(f"{printable(folder)} cannot be read: {error.strerror}") from error
    present = {label for _, label in pictures["train"]}
    for label, name in enumerate(classes):
        if label not in present:
            raise DataError(f"{printable(roots['train'] / name)} holds no picture ({', '.join(FORMATS)})")
    for split, found in pictures.items():
        if not found:
            raise DataError(f"{printable(roots[split])} holds no picture: fill it, or remove it to have {split} cut")
    return Listing(tuple(classes), pictures)


def _split_folders(folder: Path) -> dict[str, Path]:
    """Return where each split is: by its own folder where `train` has subfolders, else all in train."""
    if not (folder / "train").is_dir() or not _subfolders(folder / "train"):
        return {"train": folder}
    found = {path.name: path for path in _subfolders(folder)}
    strangers = [printable(name) for name in found if name not in SPLITS]
    if strangers:
        raise DataError(
            f"{printable(folder)} has {', '.join(strangers)} beside train: the splits are {', '.join(SPLITS)}"
        )
    return {split: found[split] for split in SPLITS if split in found}


def _pictures_of_split(root: Path, classes: list[str]) -> Iterator[tuple[Path, int]]:
    for folder in _subfolders(root):
        if folder.name not in classes:
            raise DataError(
                f"class {printable(folder)} is not in train; train has {', '.join(map(printable, classes))}"
            )
        for path in sorted(folder.rglob("*")):
            hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
            if path.suffix.lower() in FORMATS and not hidden and not path.is_dir():
                yield path, classes.index(folder.name)


def _subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _read(rows: RowFile, limit: int) -> Images:
    if rows.nbytes > limit:
        return rows
    return np.fromfile(rows.path, np.uint8, offset=rows.offset).reshape(rows.shape)
