"""A few images that stand for a split: the same ones for every run that has the same split."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xaitui.seeds import derive_seed

_SEED = 0
"""Of the choice, whatever the run's seed: runs with other seeds are asked about the same images."""


def choose_probe(labels: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Choose images at random, class by class in turn, so that none has more than one image ahead of another.

    Args:
        labels: class indices (N,), or zeros and ones (N, L); of those, rows without any label are left out.

    Returns:
        Indices (n,) of at most `count` images, by class, and the class of each: of several the first that it has.
    """
    rows, classes = _with_a_class(labels)
    order = np.argsort(np.random.PCG64(derive_seed(_SEED, "probe")).random_raw(len(rows)), kind="stable")
    grouped = order[np.argsort(classes[order], kind="stable")]
    counts = np.bincount(classes)
    turn = np.arange(len(grouped)) - (np.cumsum(counts) - counts)[classes[grouped]]
    position = np.empty_like(order)
    position[order] = np.arange(len(order))
    chosen = grouped[np.lexsort((position[grouped], turn))][:count]
    chosen = chosen[np.lexsort((chosen, classes[chosen]))]
    return rows[chosen], classes[chosen]


def _with_a_class(labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows that have a class, and which."""
    if labels.ndim == 1:
        return np.arange(len(labels)), labels
    rows = np.flatnonzero(labels.any(axis=1))
    return rows, labels[rows].argmax(axis=1)
