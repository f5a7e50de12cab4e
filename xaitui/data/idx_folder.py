"""Folders of idx files named like those of MNIST: Fashion-MNIST, KMNIST, EMNIST, or the user's own.

``train-images-idx3-ubyte`` and ``train-labels-idx1-ubyte``, with ``t10k`` or ``test`` and ``val`` beside ``train``;
packed with gzip or not, with a dot for the second dash, and with one name before all of them (``emnist-letters-``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.records import DatasetInfo
from xaitui.catalog.splits import SPLITS
from xaitui.data.dataset import DataFile, Images
from xaitui.data.fingerprint import file_md5
from xaitui.data.idx import read_idx, read_idx_shape
from xaitui.data.labels import infer_form
from xaitui.data.source import DATA_RULES, Part, Source
from xaitui.errors import DataError
from xaitui.text import printable

_NAME = re.compile(
    r"(?:(?P<set>.+)-)?(?P<split>train|t10k|test|val|valid|validation)"
    r"-(?P<kind>images[-.]idx3|labels[-.]idx1)-ubyte(?:\.gz)?"
)
_SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test", "t10k": "test"}


@dataclass(frozen=True)
class IdxPair:
    """Image and label files of a split."""

    images: Path
    labels: Path


def holds_idx(folder: Path) -> bool:
    """Return whether a folder holds idx files rather than subfolders of images by class or split.

    Raises:
        DataError: it cannot be read.
    """
    try:
        inside = [path for path in folder.iterdir() if not path.name.startswith(".")]
        subfolders = [path.name for path in inside if path.is_dir() and not _NAME.fullmatch(path.name)]
        has_files = any(_NAME.fullmatch(path.name) and path.is_file() for path in inside)
    except OSError as error:
        raise DataError(f"{printable(folder)} cannot be read: {error.strerror}") from error
    return has_files and len(subfolders) < 2 and "train" not in subfolders


def idx_source(folder: Path) -> Source:
    """Return the splits of a folder of idx files; task and classes are inferred from the labels.

    Raises:
        DataError: a file is missing or damaged, or could be one of several, or a label is bad.
    """
    pairs = find_pairs(folder)
    shapes = {split: read_idx_shape(pair.images, axes=3) for split, pair in pairs.items()}
    _check_shapes(pairs, shapes)
    labels = {split: read_idx(pair.labels, axes=1) for split, pair in pairs.items()}
    where = {split: f"the labels in {printable(pair.labels)}" for split, pair in pairs.items()}
    form = infer_form(labels, where, DATA_RULES)
    parts = {}
    for split, pair in pairs.items():
        if len(labels[split]) != shapes[split][0]:
            raise DataError(f"{where[split]} are {len(labels[split])}, for {shapes[split][0]} images")
        parts[split] = Part(form.read(labels[split], where[split]), partial(_read_images, pair.images))
    train, val, test = (len(parts[split].labels) if split in parts else 0 for split in SPLITS)
    info = DatasetInfo(
        name=printable(folder.resolve().name),
        title=f"own idx files in {printable(folder)}",
        task=form.task,
        classes=form.classes,
        channels=1,
        sizes=(shapes["train"][1],),
        counts=(train, val, test),
        licence="",
    )
    files = [path for pair in pairs.values() for path in (pair.images, pair.labels)]
    named = printable(", ".join(path.name for path in files))
    records = tuple(DataFile(str(path.resolve()), file_md5(path)) for path in files)
    return Source(info, parts, records, (f"idx files: {named}", *form.notes))


def find_pairs(folder: Path) -> dict[str, IdxPair]:
    """Return the files of each split, including train; a packed file is preferred to its unpacked copy.

    Raises:
        DataError: train or a half of a pair is missing, or the folder holds several sets or spellings of a split.
    """
    found: dict[tuple[str, str], Path] = {}
    for (split, kind), path in _named(folder):
        other = found.setdefault((split, kind), path)
        if other.name.removesuffix(".gz") != path.name.removesuffix(".gz"):
            raise DataError(
                f"{printable(folder)} has {printable(other.name)} and {printable(path.name)}, any of which may be the"
                f" {split} {kind}: keep each set in a folder of its own"
            )
    pairs = {}
    for split in SPLITS:
        images, labels = found.get((split, "images")), found.get((split, "labels"))
        if images and labels:
            pairs[split] = IdxPair(images, labels)
        elif images or labels or split == "train":
            kind = "labels-idx1-ubyte" if images else "images-idx3-ubyte"
            raise DataError(f"{printable(folder)} has no file of {split}-{kind}, packed with gzip or not")
    return pairs


def _named(folder: Path) -> Iterator[tuple[tuple[str, str], Path]]:
    """Yield the files with an idx name, with split and kind, packed files before their unpacked copies."""
    for path in sorted(folder.iterdir(), key=lambda path: (path.name.removesuffix(".gz"), path.suffix != ".gz")):
        match = _NAME.fullmatch(path.name)
        if match and path.is_file():  # archives unpacked by hand leave folders of these names
            yield (_SPLITS[match["split"]], match["kind"][:6]), path


def _check_shapes(pairs: Mapping[str, IdxPair], shapes: Mapping[str, tuple[int, ...]]) -> None:
    for split, (count, height, width) in shapes.items():
        where = f"{printable(pairs[split].images)} has {count} images of {height}x{width} px"
        if not count or not height or height != width:
            raise DataError(f"{where}: there must be some, and they must be square; crop or pad them first")
        if (height, width) != shapes["train"][1:]:
            raise DataError(f"{where}, train of {shapes['train'][1]}x{shapes['train'][2]} px")


def _read_images(path: Path) -> Images:
    images: NDArray[np.uint8] = read_idx(path, axes=3)[..., np.newaxis]
    return images
