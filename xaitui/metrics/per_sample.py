"""What probabilities cost and how sure they are, sample by sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.records import Task
from xaitui.metrics.scores import Labels, Probabilities

SMALLEST = float(np.finfo(np.float32).tiny)
"""What a probability of 0 counts as: float32 rounds to it what is less."""


def losses(task: Task, probabilities: Probabilities, labels: Labels) -> NDArray[np.float64]:
    """The cross entropy of each sample (N,); for several labels the mean of the binary ones, as in training."""
    exact = probabilities.astype(np.float64)
    if task is Task.MULTI_LABEL:
        each = -np.log(np.maximum(np.where(labels > 0, exact, 1 - exact), SMALLEST))
        return np.asarray(each.mean(axis=1))
    return np.asarray(-np.log(np.maximum(exact[np.arange(len(labels)), labels], SMALLEST)))


def margins(probabilities: Probabilities) -> NDArray[np.float32]:
    """How far the likeliest class lies before the next one, (N,): 0 is undecided. Not for several labels."""
    two = np.partition(probabilities, -2, axis=1)[:, -2:]
    return two[:, 1] - two[:, 0]
