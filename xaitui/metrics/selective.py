"""Selective prediction: how right a model is where it may leave the images aside that it is least sure of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.records import Task
from xaitui.metrics.curves import thin
from xaitui.metrics.scores import Labels, Probabilities, decide


@dataclass(frozen=True)
class Selective:
    """Accuracy of the k images that the model is surest of, for k from 1 to N."""

    accuracies: NDArray[np.float64]
    """(N,)."""
    aurc: float
    """Area under the risk-coverage curve: the mean of 1 - accuracy over all k (Geifman and El-Yaniv 2017)."""

    def at(self, coverage: float) -> float:
        """Accuracy where this part of the images, above 0 and at most 1, is answered."""
        kept = max(1, round(coverage * len(self.accuracies)))
        return float(self.accuracies[kept - 1])

    @property
    def curve(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Coverage and accuracy, thinned to what can be drawn."""
        count = len(self.accuracies)
        return thin(np.arange(1, count + 1) / count, self.accuracies)


def selective(task: Task, probabilities: Probabilities, labels: Labels) -> Selective:
    """Rank images by the probability of their likeliest class, of equal ones the first; not for several labels."""
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    right = (decide(task, probabilities) == labels)[order]
    accuracies = np.cumsum(right) / np.arange(1, len(right) + 1)
    return Selective(accuracies, float(1 - accuracies.mean()))
