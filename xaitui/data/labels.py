"""Checks of labels when they are read: on a device an invalid label is an obscure crash."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.records import DatasetInfo, Task
from xaitui.errors import DataError
from xaitui.text import listed

_EXACT = 2**53
"""Up to here every whole number is exact as a float."""


def check_labels(labels: NDArray[Any], task: Task, classes: int, where: str, first: int = 0) -> NDArray[np.int64]:
    """Return `labels` as int64 of shape (N,) from 0 on, or (N, classes) of zeros and ones for a multi-label task.

    `where` says in messages which labels of which file these are; `first` is the label of the first class.

    Raises:
        DataError: they are not whole numbers, have another shape, or one of them is outside the classes.
    """
    labels = _whole(labels, where)
    multi_label = task is Task.MULTI_LABEL
    if not multi_label:
        labels = _flat(labels)
    rows = labels.shape[0] if labels.ndim else 0
    expected = (rows, classes) if multi_label else (rows,)
    if labels.shape != expected:
        raise DataError(f"{where} have shape {labels.shape}: {task.value} with {classes} classes needs {expected}")
    lowest, highest = (0, 1) if multi_label else (first, first + classes - 1)
    outside = np.argwhere((labels < lowest) | (labels > highest))
    if len(outside):
        index = tuple(outside[0].tolist())
        place = ", ".join(map(str, index))
        raise DataError(f"{where}: label {labels[index]} at index {place} is outside {lowest}-{highest}")
    return labels.astype(np.int64) - lowest


def count_classes(labels: NDArray[np.int64], info: DatasetInfo) -> tuple[int, ...]:
    """Count the images of each class, or with each label."""
    if info.task is Task.MULTI_LABEL:
        return tuple(labels.sum(axis=0).tolist())
    return tuple(np.bincount(labels, minlength=len(info.classes)).tolist())


def _whole(labels: NDArray[Any], where: str) -> NDArray[Any]:
    """Turn floats that are whole numbers into integers."""
    if labels.dtype.kind in "iub":
        return labels
    if labels.dtype.kind == "f" and (np.abs(labels) < _EXACT).all() and (labels == np.rint(labels)).all():
        return labels.astype(np.int64)
    convert = "" if labels.dtype.kind == "f" else ", of names: np.unique(labels, return_inverse=True)[1]"
    raise DataError(f"{where} are {labels.dtype}: labels must be whole numbers{convert}")


def _flat(labels: NDArray[Any]) -> NDArray[Any]:
    return labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels


@dataclass(frozen=True)
class LabelForm:
    """Form of the labels of a dataset, with its task and classes."""

    task: Task
    classes: tuple[str, ...]
    first: int = 0
    """The label of the first class, 0 or 1."""
    notes: tuple[str, ...] = ()

    def read(self, labels: NDArray[Any], where: str) -> NDArray[np.int64]:
        """Return the labels of a split as class indices (N,), or (N, L) for a multi-label task.

        Raises:
            DataError: they are written in another way, or one of them is outside the classes.
        """
        if self.task is not Task.MULTI_LABEL and _is_one_hot(labels) and labels.shape[1] == len(self.classes):
            labels = labels.argmax(axis=1) + self.first
        return check_labels(labels, self.task, len(self.classes), where, self.first)


def known_form(task: Task, classes: tuple[str, ...], labels: Iterable[NDArray[Any]]) -> LabelForm:
    """Return the form of labels for known classes: from 1 on if the classes are named so and none is 0."""
    first = int(classes == _names(1, len(classes)) and not any((array == 0).any() for array in labels))
    return LabelForm(task, classes, first)


def infer_form(labels: Mapping[str, NDArray[Any]], where: Mapping[str, str], rules: int) -> LabelForm:
    """Infer task and classes from the labels of all splits, including "train".

    By the first version of the rules the labels of train alone count: columns are labels, else the highest index is
    that of the last class. Later ones know columns with a single 1 in each row as classes, and labels from 1 on.

    Args:
        labels: of each split, as they were read.
        where: which labels of which file these are, for messages.
        rules: version of the rules.

    Raises:
        DataError: labels of train are no whole numbers, or no class indices.
    """
    whole = {split: _flat(_whole(array, where[split])) for split, array in labels.items()}
    train, place = whole["train"], where["train"]
    floats = [split for split, array in labels.items() if array.dtype.kind == "f"]
    notes = ["labels are floats that are whole numbers: taken as integers"] if floats else []
    if train.ndim == 2 and train.shape[1] > 1:
        columns = train.shape[1]
        if rules > 1 and all(_is_one_hot(array) and array.shape[1] == columns for array in whole.values()):
            notes.append("labels are one-hot, a single 1 in each row: taken as classes that exclude each other")
            return _class_form(np.unique(train.argmax(axis=1)), columns, 0, notes)
        rows = check_labels(train, Task.MULTI_LABEL, columns, place)
        if (rows.sum(axis=1) == 1).all():
            notes.append("each row of the labels has a single 1: save class indices if the classes exclude each other")
        return LabelForm(Task.MULTI_LABEL, _names(0, columns), notes=tuple(notes))
    first = int(rules > 1 and _counts_from_one(whole))
    if first:
        notes.append("labels count from 1: the classes keep these names")
    # A single huge index is an error, and must not make a model with as many outputs.
    present = np.unique(check_labels(train, Task.MULTI_CLASS, len(train), place, first))
    classes = int(present[-1]) + 1
    if classes < 2:
        raise DataError(f"{place} has class {first} only: there is nothing to tell apart")
    return _class_form(present, classes, first, notes)


def _class_form(present: NDArray[np.int64], classes: int, first: int, notes: list[str]) -> LabelForm:
    absent = np.setdiff1d(np.arange(classes), present) + first
    if len(absent):
        notes.append(f"train has no image of class {listed(absent)}")
    task = Task.BINARY if classes == 2 else Task.MULTI_CLASS
    return LabelForm(task, _names(first, classes), first, tuple(notes))


def _names(first: int, count: int) -> tuple[str, ...]:
    return tuple(map(str, range(first, first + count)))


def _counts_from_one(labels: Mapping[str, NDArray[Any]]) -> bool:
    """Return whether the labels of all splits are exactly 1, 2, ..., with the last one in train."""
    present = np.unique(np.concatenate([array.ravel() for array in labels.values()]))
    in_order = np.array_equal(present, np.arange(1, len(present) + 1))
    return in_order and len(present) > 1 and present[-1] == labels["train"].max()


def _is_one_hot(labels: NDArray[Any]) -> bool:
    shaped = labels.ndim == 2 and labels.shape[1] > 1
    return shaped and bool(((labels == 0) | (labels == 1)).all() and (labels.sum(axis=1) == 1).all())
