"""Confusion matrices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xaitui.errors import DataError
from xaitui.metrics.scores import Labels


@dataclass(frozen=True)
class ConfusedPair:
    """Images of one class predicted as another."""

    true: int
    predicted: int
    count: int
    share: float
    """Fraction of the images of the true class."""


def confusion_matrix(decided: Labels, labels: Labels, classes: int) -> NDArray[np.int64]:
    """Images by true class (rows) and predicted class (columns), of shape (C, C); one label an image.

    Raises:
        DataError: a label is none of the classes.
    """
    if not len(labels):
        return np.zeros((classes, classes), np.int64)
    if labels.min() < 0 or labels.max() >= classes:
        raise DataError("a label of the predictions is none of their classes")
    from sklearn.metrics import confusion_matrix

    matrix: NDArray[np.int64] = confusion_matrix(labels, decided, labels=range(classes))
    return matrix


def row_shares(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """Normalise each row to sum to 1; classes without images have zeros."""
    return np.asarray(matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1))


def confused_pairs(matrix: NDArray[np.int64]) -> tuple[ConfusedPair, ...]:
    """Return the pairs of confused classes, the most frequent first."""
    counts = matrix.copy()
    np.fill_diagonal(counts, 0)
    shares = row_shares(matrix)
    order = np.argsort(-counts, axis=None, kind="stable")[: np.count_nonzero(counts)]
    pairs = zip(*(axis.tolist() for axis in np.unravel_index(order, counts.shape)), strict=True)
    return tuple(
        ConfusedPair(row, column, int(counts[row, column]), float(shares[row, column])) for row, column in pairs
    )
