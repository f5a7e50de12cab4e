"""Preview of a dataset: image counts by class, and sample images, with little reading and no writing.

A file of the catalog is not compared with its MD5 here, which takes minutes for the large ones: a run does that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.datasets import check_size, dataset_info, is_folder, is_own_data
from xaitui.catalog.records import DatasetInfo, Task
from xaitui.data.dataset import DataFile
from xaitui.data.folder import folder_info
from xaitui.data.folder_listing import list_pictures
from xaitui.data.idx import mnist_source, read_idx_rows
from xaitui.data.idx_folder import find_pairs, holds_idx
from xaitui.data.labels import count_classes
from xaitui.data.locate import replacement_advice, require_file, user_path
from xaitui.data.medmnist import official_source, read_train_rows
from xaitui.data.open import own_file_source
from xaitui.data.picture import decode, grey_levels, probe
from xaitui.data.source import Residency, Source
from xaitui.data.survey import geometry
from xaitui.data.verify import FileState, set_status
from xaitui.errors import DataError
from xaitui.text import listed

Labels = NDArray[np.int64]
Pictures = NDArray[np.uint8]

LONGEST_READ = 256 << 20
"""Bytes of images that are searched for samples: reaching further into a packed file takes seconds."""

PROBED = 2_000
"""Most image files of a folder whose headers are read."""

_RESIDENCY = Residency(limit=8 << 30)


@dataclass(frozen=True)
class Preview:
    """Preview of a dataset."""

    info: DatasetInfo
    size: int
    """Side of its images in pixels."""
    counts: Mapping[str, tuple[int, ...]]
    """Images of each class, or with each label, by published split."""
    samples: tuple[Pictures, ...]
    """The first training images of each class, uint8 (n, S, S, C); n is 0 where none was found near the beginning."""
    notes: tuple[str, ...] = ()


def preview(dataset: str, *, size: int = 0, data_dir: str = "", image_size: int = 0, per_class: int = 1) -> Preview:
    """Read the labels of a dataset and its first training images of each class.

    Args:
        dataset: a name of the catalog, or the path of an own .npz file or folder.
        size: side in pixels of the variant, 0 for the default one.
        data_dir: folder where files are looked for first.
        image_size: side in pixels that the pictures of an own folder are brought to, if `size` does not say it.
        per_class: images of each class that are wanted.

    Raises:
        UsageError: the name is not known, or the set has no such size.
        DataError: a file is missing, damaged, or not what the set needs.
    """
    if is_own_data(dataset):
        look = _own(user_path(dataset), size, image_size)
    else:
        look = _official(dataset_info(dataset), size, data_dir)
    train = look.labels["train"]
    wanted = _first_of_each(train, look.info, per_class)
    image_bytes = look.size * look.size * look.info.channels
    within = [rows[rows * image_bytes < look.reach] for rows in wanted]
    notes = list(look.notes)
    unseen = [name for name, rows, near in zip(look.info.classes, wanted, within, strict=True) if len(rows) > len(near)]
    if unseen:
        notes.append(f"not every picture of {listed(unseen)} is shown: they come late in a large file")
    return Preview(
        info=look.info,
        size=look.size,
        counts={split: count_classes(labels, look.info) for split, labels in look.labels.items()},
        samples=_samples(look, within),
        notes=tuple(notes),
    )


@dataclass(frozen=True)
class _Look:
    """A dataset whose labels have been read, but not its images."""

    info: DatasetInfo
    size: int
    labels: Mapping[str, Labels]
    read: Callable[[Sequence[int]], Pictures]
    """Read training images by ascending rows."""
    reach: int
    """Bytes of images that may be read through to the last row."""
    notes: tuple[str, ...] = ()


def _official(info: DatasetInfo, size: int, data_dir: str) -> _Look:
    size = size or info.sizes[0]
    check_size(info, size)
    if info.name == "digits":
        from xaitui.data.digits import digits_source

        source = digits_source(info)
        images = np.asarray(source.parts["train"].read())
        return _look(source, size, lambda rows: images[list(rows)])
    paths = [require_file(remote, info.name, size, data_dir) for remote in info.files[size]]
    if set_status(info, size, data_dir)[0] is FileState.DAMAGED:
        advice = replacement_advice(info.name, size, data_dir)
        raise DataError(f"the files of {info.name} are damaged, or not what was published: {advice}")
    files = [DataFile(str(path), "") for path in paths]
    if info.name == "mnist":
        return _look(mnist_source(info, files), size, partial(_idx_rows, paths[0]))
    return _look(official_source(info, size, files[0], _RESIDENCY), size, partial(read_train_rows, paths[0]))


def _own(path: Path, size: int, image_size: int) -> _Look:
    if is_folder(path) and not holds_idx(path):
        return _folder(path, size or image_size)
    source = own_file_source(path, size, _RESIDENCY)
    read = partial(_idx_rows, find_pairs(path)["train"].images) if is_folder(path) else partial(read_train_rows, path)
    return _look(source, source.info.sizes[0], read)


def _look(source: Source, size: int, read: Callable[[Sequence[int]], Pictures]) -> _Look:
    labels = {split: part.labels for split, part in source.parts.items()}
    return _Look(source.info, size, labels, read, LONGEST_READ, source.notes)


def _folder(folder: Path, size: int) -> _Look:
    listing = list_pictures(folder)
    paths = [path for found in listing.pictures.values() for path, _ in found]
    probed = [probe(path) for path in paths[:: -(-len(paths) // PROBED)]]
    side, channels = geometry(probed, size)
    train = [path for path, _ in listing.pictures["train"]]
    told = f"size and colours are told from {len(probed):,} of the {len(paths):,} pictures"
    return _Look(
        info=folder_info(folder, listing, side, channels),
        size=side,
        labels={split: listing.labels(split) for split in listing.pictures},
        read=lambda rows: _decoded([train[row] for row in rows], side, channels, all(each.is_deep for each in probed)),
        reach=len(train) * side * side * channels,
        notes=(*((told,) if len(probed) < len(paths) else ()), *listing.notes),
    )


def _decoded(paths: Sequence[Path], side: int, channels: int, are_deep: bool) -> Pictures:
    """Decode images; those of more than 8 bits by the range of these few, as that of train is unknown."""
    levels = [grey_levels(path) for path in paths] if are_deep else []
    grey_range = (min(low for low, _ in levels), max(high for _, high in levels)) if levels else None
    return np.stack([decode(path, side, channels, grey_range) for path in paths])


def _idx_rows(path: Path, rows: Sequence[int]) -> Pictures:
    return read_idx_rows(path, axes=3, rows=rows)[..., np.newaxis]


def _first_of_each(labels: Labels, info: DatasetInfo, count: int) -> list[NDArray[np.intp]]:
    """The rows of the first images of each class, or with each label."""
    of_class = labels.T if info.task is Task.MULTI_LABEL else [labels == index for index in range(len(info.classes))]
    return [np.flatnonzero(chosen)[:count] for chosen in of_class]


def _samples(look: _Look, rows: Sequence[NDArray[np.intp]]) -> tuple[Pictures, ...]:
    """Read all rows in one pass, each once: an image with two labels is requested twice."""
    needed = np.unique(np.concatenate(rows))
    shape = (look.size, look.size, look.info.channels)
    images = look.read(needed.tolist()) if len(needed) else np.empty((0, *shape), np.uint8)
    return tuple(images[np.searchsorted(needed, each)] for each in rows)
