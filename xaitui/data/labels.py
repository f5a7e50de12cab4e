"""Labels are checked when they are read: a bad one must not reach a device, where it is a crash without a name."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.records import Task
from xaitui.errors import DataError


def check_labels(labels: NDArray[Any], task: Task, classes: int, where: str) -> NDArray[np.int64]:
    """Return `labels` as int64 of shape (N,), or (N, classes) of zeros and ones for a multi-label task.

    `where` says in messages which labels of which file these are.

    Raises:
        DataError: they are not whole numbers, have another shape, or one of them is outside the classes.
    """
    if labels.dtype.kind not in "iub":
        raise DataError(f"{where} are {labels.dtype}: labels must be whole numbers")
    multi_label = task is Task.MULTI_LABEL
    if not multi_label and labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    rows = labels.shape[0] if labels.ndim else 0
    expected = (rows, classes) if multi_label else (rows,)
    if labels.shape != expected:
        raise DataError(f"{where} have shape {labels.shape}: {task.value} with {classes} classes needs {expected}")
    highest = 1 if multi_label else classes - 1
    outside = np.argwhere((labels < 0) | (labels > highest))
    if len(outside):
        index = tuple(outside[0].tolist())
        place = ", ".join(map(str, index))
        raise DataError(f"{where}: label {labels[index]} at index {place} is outside 0-{highest}")
    return labels.astype(np.int64)
