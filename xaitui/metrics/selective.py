"""Selective prediction: accuracy when the least confident images are rejected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.records import Task
from xaitui.metrics.curves import thin
from xaitui.metrics.scores import Labels, Probabilities, decide


@dataclass(frozen=True)
class Selective:
    """Accuracy on the k most confident images, for k from 1 to N."""

    accuracies: NDArray[np.float64]
    """(N,)."""
    aurc: float
    """Area under the risk-coverage curve: the mean of 1 - accuracy over all k (Geifman and El-Yaniv 2017)."""

    def at(self, coverage: float) -> float:
        """Return the accuracy at a coverage above 0 and at most 1."""
        kept = max(1, round(coverage * len(self.accuracies)))
        return float(self.accuracies[kept - 1])

    @property
    def curve(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return coverage and accuracy, thinned for drawing."""
        count = len(self.accuracies)
        return thin(np.arange(1, count + 1) / count, self.accuracies)


def selective(task: Task, probabilities: Probabilities, labels: Labels) -> Selective:
    """Rank images by the probability of their most likely class; not for multi-label tasks."""
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    right = (decide(task, probabilities) == labels)[order]
    accuracies = np.cumsum(right) / np.arange(1, len(right) + 1)
    return Selective(accuracies, float(1 - accuracies.mean()))
