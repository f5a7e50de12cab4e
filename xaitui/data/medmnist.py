"""Sets in MedMNIST's form: an .npz with ``train_images``, ``train_labels``, and so on; official ones and one's own.

Images are uint8 (N, S, S), or (N, S, S, C) with 1 or 3 channels; labels whole numbers (N,), (N, 1), or for a
multi-label task zeros and ones (N, L). Of one's own file only the train arrays must be there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from xaitui.catalog.records import DatasetInfo, Task
from xaitui.data.dataset import DataFile, Images
from xaitui.data.fingerprint import file_md5
from xaitui.data.labels import check_labels
from xaitui.data.npz import Member, array_names, read_array, read_headers
from xaitui.data.source import SPLITS, Part, Residency, Source
from xaitui.errors import DataError
from xaitui.text import printable


def official_source(info: DatasetInfo, size: int, file: DataFile, residency: Residency) -> Source:
    """Return the published splits of a set of the catalog; raise DataError if the file is not as the catalog says."""
    path = Path(file.path)
    arrays = _read_split_headers(path)
    counts = _counts(arrays)
    shape = arrays["train"].image_shape
    if counts != info.counts or shape != (size, size, info.channels):
        raise DataError(
            f"{printable(path)} is not {info.name} at {size} px: it has {counts} images of shape {shape},"
            f" not {info.counts} of {(size, size, info.channels)}"
        )
    return Source(info, {name: _part(path, split, info, residency) for name, split in arrays.items()}, (file,))


def own_source(path: Path, residency: Residency) -> Source:
    """Return the splits of one's own file; task and classes are told from its training labels.

    Raises:
        DataError: an array is missing, has another type or shape than the form asks for, or a label is bad.
    """
    arrays = _read_split_headers(path)
    info, notes = _infer(path, arrays)
    file = DataFile(str(path.resolve()), file_md5(path))
    return Source(info, {name: _part(path, split, info, residency) for name, split in arrays.items()}, (file,), notes)


def foreign_source(path: Path, task: Task, classes: tuple[str, ...], channels: int, residency: Residency) -> Source:
    """Return the splits of a file that a trained model is to be asked about; any of them may be missing.

    Args:
        path: an ``.npz``.
        task, classes, channels: what the model knows; the file need not have an image of every class.
        residency: which images stay on disk.

    Raises:
        DataError: an array is not in the form, or the model cannot know its images or labels.
    """
    arrays = _read_split_headers(path, needs_train=False)
    found = next(iter(arrays.values())).image_shape[2]
    if found != channels:
        raise DataError(f"{printable(path)} has images of {found} channels; the model takes {channels}")
    info = _described(path, arrays, task, classes)
    file = DataFile(str(path.resolve()), file_md5(path))
    return Source(info, {name: _part(path, split, info, residency) for name, split in arrays.items()}, (file,))


@dataclass(frozen=True)
class _Arrays:
    """The two arrays of one split, known from their headers."""

    images: Member
    labels: Member

    @property
    def count(self) -> int:
        return self.images.shape[0]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(S, S, C); grey images may be stored without a channel axis."""
        height, width, channels = (*self.images.shape[1:], 1)[:3]
        return height, width, channels


def _read_split_headers(path: Path, *, needs_train: bool = True) -> dict[str, _Arrays]:
    """Return the splits that the file has, train among them where it is needed, all of images of one shape."""
    headers = read_headers(path, [f"{split}_{kind}" for split in SPLITS for kind in ("images", "labels")])
    arrays = {}
    for split in SPLITS:
        images, labels = headers.get(f"{split}_images"), headers.get(f"{split}_labels")
        if images is not None and labels is not None:
            arrays[split] = _Arrays(images, labels)
        elif (split == "train" and needs_train) or images is not None or labels is not None:
            missing = f"{split}_images" if images is None else f"{split}_labels"
            found = ", ".join(printable(name) for name in array_names(path)) or "nothing"
            raise DataError(f"{printable(path)} has no array {missing}; it has {found}")
    if not arrays:
        raise DataError(f"{printable(path)} has no arrays test_images and test_labels, nor those of another split")
    first = next(iter(arrays.values()))
    for present in arrays.values():
        _check_form(path, present, first)
    return arrays


def _check_form(path: Path, split: _Arrays, first: _Arrays) -> None:
    """Raise DataError, naming the array and its rule, for what is not in the form."""
    images, where = split.images, f"{split.images.name} in {printable(path)}"
    if images.dtype != np.uint8:
        raise DataError(f"{where} is {images.dtype}: save uint8 from 0 to 255 (of 0-1 floats, np.rint(x * 255))")
    if len(images.shape) not in (3, 4) or split.image_shape[2] not in (1, 3):
        raise DataError(
            f"{where} has shape {images.shape}: it must be (N, S, S), (N, S, S, 1) or (N, S, S, 3);"
            " volumes are not supported yet"
        )
    if 0 in images.shape:
        raise DataError(f"{where} is empty: its shape is {images.shape}")
    if images.shape[1] != images.shape[2]:
        raise DataError(f"{where} has shape {images.shape}: images must be square; crop or pad them first")
    if split.image_shape != first.image_shape:
        other = first.images.name.removesuffix("_images")
        raise DataError(f"{where} has images of shape {split.image_shape}, {other} of {first.image_shape}")
    if split.labels.shape[:1] != images.shape[:1]:
        shapes = f"{images.shape}, {split.labels.name} has {split.labels.shape}"
        raise DataError(f"{where} has shape {shapes}: each image needs its label")


def _part(path: Path, split: _Arrays, info: DatasetInfo, residency: Residency) -> Part:
    where = f"{split.labels.name} in {printable(path)}"
    labels = check_labels(read_array(path, split.labels), info.task, len(info.classes), where)
    return Part(labels, partial(_read_images, path, split, residency))


def _read_images(path: Path, split: _Arrays, residency: Residency) -> Images:
    if split.images.nbytes > residency.limit:
        from xaitui.data.array_cache import cached_rows

        return cached_rows(path, f"{split.images.name}.npy", cache_dir=residency.cache_dir, report=residency.report)
    return read_array(path, split.images).reshape(split.count, *split.image_shape)


def _infer(path: Path, arrays: Mapping[str, _Arrays]) -> tuple[DatasetInfo, tuple[str, ...]]:
    task, classes, notes = _infer_classes(path, arrays["train"])
    return _described(path, arrays, task, tuple(map(str, range(classes)))), notes


def _described(path: Path, arrays: Mapping[str, _Arrays], task: Task, classes: tuple[str, ...]) -> DatasetInfo:
    size, _, channels = next(iter(arrays.values())).image_shape
    return DatasetInfo(
        name=printable(path.stem),
        title=f"own file {printable(path.name)}",
        task=task,
        classes=classes,
        channels=channels,
        sizes=(size,),
        counts=_counts(arrays),
        licence="",
    )


def _infer_classes(path: Path, train: _Arrays) -> tuple[Task, int, tuple[str, ...]]:
    """Tell the task and how many classes it has: columns are labels, otherwise the highest index counts."""
    where = f"{train.labels.name} in {printable(path)}"
    labels = read_array(path, train.labels)
    if labels.ndim == 2 and labels.shape[1] > 1:
        rows = check_labels(labels, Task.MULTI_LABEL, labels.shape[1], where)
        one_hot = "each row of the labels has a single 1: save class indices if the classes exclude each other"
        return Task.MULTI_LABEL, labels.shape[1], (one_hot,) if (rows.sum(axis=1) == 1).all() else ()
    # A stray huge index must be told as such, and not make a model with as many outputs.
    present = np.unique(check_labels(labels, Task.MULTI_CLASS, train.count, where))
    classes = int(present[-1]) + 1
    if classes < 2:
        raise DataError(f"{where} has class 0 only: there is nothing to tell apart")
    absent = np.setdiff1d(np.arange(classes), present)
    notes = (f"train has no image of class {', '.join(map(str, absent))}",) if len(absent) else ()
    return Task.BINARY if classes == 2 else Task.MULTI_CLASS, classes, notes


def _counts(arrays: Mapping[str, _Arrays]) -> tuple[int, int, int]:
    train, val, test = (arrays[name].count if name in arrays else 0 for name in SPLITS)
    return train, val, test
