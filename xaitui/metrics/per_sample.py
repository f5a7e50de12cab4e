"""Loss and margin of each sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.records import Task
from xaitui.metrics.scores import Labels, Probabilities

SMALLEST = float(np.finfo(np.float32).tiny)
"""Lower bound of probabilities: float32 rounds smaller ones to 0."""


def losses(task: Task, probabilities: Probabilities, labels: Labels) -> NDArray[np.float64]:
    """Return the cross entropy of each sample (N,); for multi-label tasks the mean over labels, as in training."""
    exact = probabilities.astype(np.float64)
    if task is Task.MULTI_LABEL:
        each = -np.log(np.maximum(np.where(labels > 0, exact, 1 - exact), SMALLEST))
        return np.asarray(each.mean(axis=1))
    return np.asarray(-np.log(np.maximum(exact[np.arange(len(labels)), labels], SMALLEST)))


def margins(probabilities: Probabilities) -> NDArray[np.float32]:
    """Return the margin of the most likely class over the next, (N,): 0 is undecided. Not for multi-label tasks."""
    two = np.partition(probabilities, -2, axis=1)[:, -2:]
    return two[:, 1] - two[:, 0]
