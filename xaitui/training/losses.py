"""Training losses: cross entropy, or binary cross entropy for multi-label tasks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from xaitui.catalog.records import Task


@dataclass(frozen=True, eq=False)
class Loss:
    """Cross entropy for one label of many (binary and ordinal tasks too, as in MedMNIST), else binary cross entropy.

    The mean is over the samples, also with class weights (torch divides by the sum of the weights instead), so
    that the losses of micro-batches add up to the loss of their batch, and hard and blended targets weigh the same.
    """

    task: Task
    label_smoothing: float
    class_weights: Tensor | None
    """(C,) weights of the classes; for several labels (L,), the weights of their positives."""

    def per_sample(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each sample, float32 (N,), whatever the type of `logits`, (N, C) or (N, L).

        `targets` are class indices (N,), or class probabilities (N, C) from mixing; for several labels zeros and ones,
        or shares between them, (N, L).
        """
        logits = logits.float()
        if self.task is not Task.MULTI_LABEL:
            return F.cross_entropy(
                logits, targets, self.class_weights, reduction="none", label_smoothing=self.label_smoothing
            )
        smoothed = targets.float() * (1.0 - self.label_smoothing) + self.label_smoothing / 2.0
        entropies = F.binary_cross_entropy_with_logits(
            logits, smoothed, pos_weight=self.class_weights, reduction="none"
        )
        return entropies.mean(dim=1)

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mean of `per_sample`, a scalar."""
        return self.per_sample(logits, targets).mean()


def build_loss(task: Task, *, label_smoothing: float = 0.0, class_weights: Tensor | None = None) -> Loss:
    """Build the loss of a task; `class_weights`, as returned by `balanced_weights`, must be on the logits' device."""
    return Loss(task, label_smoothing, class_weights)


def one_hot(labels: Tensor, num_classes: int, task: Task) -> Tensor:
    """Turn labels into the float32 targets (N, C) that mixing blends; several labels (N, L) only change their type."""
    if task is Task.MULTI_LABEL:
        return labels.float()
    return F.one_hot(labels, num_classes).float()


def balanced_weights(labels: NDArray[np.int64], num_classes: int, task: Task) -> Tensor:
    """Class weights by inverse frequency, float32 (C,).

    For one label of many, N / (P n_c) for a class of n_c samples, P being the number of classes that have any (King and
    Zeng 2001): the mean weight of a sample is 1. For several labels, the negatives of each over its positives. A class
    without samples gets weight 0, a label without positives 1: neither occurs as a target.
    """
    if task is Task.MULTI_LABEL:
        positives = labels.sum(axis=0)
        weights = np.where(positives > 0, (len(labels) - positives) / np.maximum(positives, 1), 1.0)
    else:
        counts = np.bincount(labels, minlength=num_classes)
        present = np.count_nonzero(counts)
        weights = np.where(counts > 0, len(labels) / (present * np.maximum(counts, 1)), 0.0)
    return torch.from_numpy(weights.astype(np.float32))
