"""Listing of the image files of a folder by split and class, without opening them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.splits import SPLITS
from xaitui.data.picture import FORMATS
from xaitui.data.source import DATA_RULES
from xaitui.errors import DataError
from xaitui.text import listed, printable

SPELLINGS = {
    **{"train": "train", "training": "train"},
    **{"val": "val", "valid": "val", "validation": "val"},
    **{"test": "test", "testing": "test"},
}
"""Names of split folders, in any case, and their splits."""

_FIRST_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm"})
_NOT_DATA = frozenset({"__macosx", "thumbs.db", "desktop.ini"})
"""Names, in lower case, that systems and archives leave beside pictures; dot files besides."""

_Files = list[tuple[Path, int]]
"""Files and their class indices."""


@dataclass(frozen=True)
class Listing:
    """Image files of a folder."""

    classes: tuple[str, ...]
    pictures: Mapping[str, _Files]
    """Files of each split, in the order of their paths."""
    notes: tuple[str, ...] = ()
    """Split folders of other names, and files that are not used."""

    @property
    def counts(self) -> tuple[int, int, int]:
        """Number of images in train, val and test."""
        train, val, test = (len(self.pictures.get(split, ())) for split in SPLITS)
        return train, val, test

    @property
    def paths(self) -> list[Path]:
        """The files of all splits."""
        return [path for found in self.pictures.values() for path, _ in found]

    def without(self, damaged: Container[Path]) -> Listing:
        """Drop files; raise DataError if a class of train, or a split, would be empty."""
        pictures = {
            split: [(path, label) for path, label in found if path not in damaged]
            for split, found in self.pictures.items()
        }
        before, present = ({label for _, label in found.get("train", ())} for found in (self.pictures, pictures))
        empty = [self.classes[label] for label in sorted(before - present)]
        empty += [split for split, found in pictures.items() if not found]
        if empty:
            raise DataError(f"every image of {printable(empty[0])} is damaged: nothing is left of it")
        return replace(self, pictures=pictures)

    def labels(self, split: str) -> NDArray[np.int64]:
        """Return the class of each image of a split, (N,)."""
        return np.array([label for _, label in self.pictures[split]], np.int64)


def list_pictures(folder: Path, rules: int = DATA_RULES) -> Listing:
    """List the images of a folder by a version of the rules.

    Raises:
        DataError: a class is empty or not known in train, or it is not clear which folders are the splits.
    """
    try:
        roots = _split_folders(folder) if rules > 1 else _first_split_folders(folder)
        classes = [path.name for path in _subfolders(roots["train"])]
        if len(classes) < 2:
            raise DataError(
                f"{printable(roots['train'])} needs a subfolder of pictures for each of two or more classes"
            )
        files = {split: list(_files_of_split(folder, root, classes, rules)) for split, root in roots.items()}
        outside = [path for root in {folder, *roots.values()} for path in root.iterdir() if _is_data(path.name)]
    except OSError as error:
        raise DataError(f"{printable(folder)} cannot be read: {error.strerror}") from error
    endings = FORMATS if rules > 1 else _FIRST_ENDINGS
    pictures = {split: [each for each in found if _is_picture(each[0], endings)] for split, found in files.items()}
    skipped = [path for found in files.values() for path, _ in found if not _is_picture(path, endings)]
    _check_filled(roots, classes, pictures, skipped)
    strays = [path for path in outside if _is_picture(path, endings) and path.is_file()]
    return Listing(tuple(classes), pictures, tuple(_notes(folder, roots, skipped, strays)))


def list_known(folder: Path, classes: Sequence[str]) -> Listing:
    """List the images of a folder whose subfolders are named after known classes, with or without split folders.

    Without split folders everything is test. A class may have no folder, and a split none either.

    Raises:
        DataError: a folder has the name of no class, there is no picture, or the folder cannot be read.
    """
    labels = {name: label for label, name in enumerate(classes)}
    try:
        subfolders = _subfolders(folder)
        splits = {SPELLINGS[path.name.lower()]: path for path in subfolders if path.name.lower() in SPELLINGS}
        if len(splits) < len(subfolders) or all(printable(path.name) in labels for path in subfolders):
            splits = {"test": folder}
        found = {split: _subfolders(splits[split]) for split in SPLITS if split in splits}
        names = dict.fromkeys(path.name for paths in found.values() for path in paths)
        if unknown := [name for name in names if printable(name) not in labels]:
            raise DataError(
                f"{printable(folder)} has classes that the run does not know: {listed(unknown)}; "
                f"it knows {listed(classes)}"
            )
        pictures = {
            split: [(file, labels[printable(path.name)]) for path in paths for file in images_below(path)]
            for split, paths in found.items()
        }
    except OSError as error:
        raise DataError(f"{printable(folder)} cannot be read: {error.strerror}") from error
    pictures = {split: files for split, files in pictures.items() if files}
    if not pictures:
        raise DataError(f"{printable(folder)} holds no picture in a folder of its class ({listed(classes)})")
    return Listing(tuple(classes), pictures)


def images_below(folder: Path) -> list[Path]:
    """Return the image files and folders in a folder, in the order of their paths.

    Raises:
        DataError: the folder cannot be read.
    """
    try:
        files = sorted(_files_below(folder, frozenset(), follow_links=True))
    except OSError as error:
        raise DataError(f"{printable(folder)} cannot be read: {error.strerror}") from error
    return [path for path in files if _is_picture(path, FORMATS)]


def _is_picture(path: Path, endings: Container[str]) -> bool:
    return path.suffix.lower() in endings


def _check_filled(
    roots: Mapping[str, Path], classes: list[str], pictures: Mapping[str, _Files], skipped: list[Path]
) -> None:
    """Raise DataError for a class without images in train, and for a split without images."""
    present = {label for _, label in pictures["train"]}
    for label, name in enumerate(classes):
        if label not in present:
            root = roots["train"] / name
            others = _by_ending(path for path in skipped if root in path.parents)
            raise DataError(f"{printable(root)} holds no picture{f' that can be read: {others}' if others else ''}")
    for split, found in pictures.items():
        if not found:
            raise DataError(f"{printable(roots[split])} holds no picture: fill it, or remove it to have {split} cut")


def _notes(folder: Path, roots: Mapping[str, Path], skipped: list[Path], strays: list[Path]) -> Iterator[str]:
    renamed = {path.name: split for split, path in roots.items() if path.name != split and path != folder}
    if renamed:
        yield f"split folders: {', '.join(f'{printable(name)} is {split}' for name, split in renamed.items())}"
    if skipped:
        yield f"{len(skipped):,} {'file was' if len(skipped) == 1 else 'files were'} skipped: {_by_ending(skipped)}"
    if strays:
        lie = "image lies" if len(strays) == 1 else "images lie"
        yield f"{len(strays):,} {lie} outside of the class folders and will not be used"


def _by_ending(paths: Iterable[Path]) -> str:
    """Count files by the ending of their names, the most frequent first."""
    counts = Counter((path.suffix.lower() or "without an ending") if path.exists() else "" for path in paths)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item))
    return listed(f"{count:,} {ending or ('broken link' + 's' * (count > 1))}" for ending, count in ordered)


def _split_folders(folder: Path) -> dict[str, Path]:
    """Find the folder of each split; without split folders all images are train.

    Raises:
        DataError: two folders are the same split, train is missing, a split has no class folders, or another folder
            stands beside the splits.
    """
    subfolders = _subfolders(folder)
    splits = {path: SPELLINGS[path.name.lower()] for path in subfolders if path.name.lower() in SPELLINGS}
    others = [path for path in subfolders if path not in splits]
    if not splits or not _hold_classes(splits, others):
        return {"train": folder}
    where = printable(folder)
    for split in SPLITS:
        names = [path.name for path in splits if splits[path] == split]
        if len(names) > 1:
            raise DataError(f"{where} has {listed(names)}: each of them is {split}; keep one")
    if "train" not in splits.values():
        raise DataError(f"{where} has {_names(splits)} but no train; name the folder of the training images train")
    if others:
        raise DataError(f"{where} has {_names(others)} beside {_names(splits)}: the splits are {', '.join(SPLITS)}")
    found = {split: path for split in SPLITS for path in splits if splits[path] == split}
    for split, path in found.items():
        if not _subfolders(path):
            remove = "" if split == "train" else f", or remove it to have {split} cut"
            raise DataError(f"{printable(path)} needs a folder for each class inside it{remove}")
    return found


def _hold_classes(splits: Mapping[Path, str], others: list[Path]) -> bool:
    """Distinguish split folders from classes of the same name: a class "train" beside "car" holds no folders."""
    if not others or any(_subfolders(path) for path, split in splits.items() if split == "train"):
        return True
    inside = [{path.name for path in _subfolders(each)} for each in (*splits, *others)]
    return any(inside[one] & inside[two] for one in range(len(splits)) for two in range(one + 1, len(inside)))


def _names(paths: Iterable[Path]) -> str:
    return listed(path.name for path in paths)


def _first_split_folders(folder: Path) -> dict[str, Path]:
    """Find the splits by the first rules: under their exact names, where `train` has subfolders."""
    if not (folder / "train").is_dir() or not _subfolders(folder / "train"):
        return {"train": folder}
    return {split: folder / split for split in SPLITS if (folder / split).is_dir()}


def _files_of_split(folder: Path, root: Path, classes: list[str], rules: int) -> Iterator[tuple[Path, int]]:
    labels = {name: label for label, name in enumerate(classes)}
    above = frozenset(map(_identity, (folder, root)))
    for path in _subfolders(root):
        if path.name not in labels:
            raise DataError(f"class {printable(path)} is not in train; train has {listed(classes)}")
        for file in sorted(_files_below(path, above, follow_links=rules > 1)):
            yield file, labels[path.name]


def _files_below(folder: Path, above: frozenset[tuple[int, int]], *, follow_links: bool) -> Iterator[Path]:
    """Walk a folder, without following links back to a folder `above` it."""
    identity = _identity(folder)
    if identity in above:
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            path, is_link = folder / entry.name, entry.is_symlink()
            if not _is_data(entry.name):
                continue
            if not (path.is_dir() if is_link else entry.is_dir()):
                yield path
            elif follow_links or not is_link:
                yield from _files_below(path, above | {identity}, follow_links=follow_links)


def _identity(folder: Path) -> tuple[int, int]:
    stat = folder.stat()
    return stat.st_dev, stat.st_ino


def _subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and _is_data(path.name))


def _is_data(name: str) -> bool:
    return not name.startswith(".") and name.lower() not in _NOT_DATA
