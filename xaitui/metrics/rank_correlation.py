"""Spearman's rank correlation of maps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Maps = NDArray[np.floating]
"""(N, ...): one row per map."""


def ranks(values: Maps) -> NDArray[np.float64]:
    """Return ranks from 1 within each row, of shape (N, P); ties get their mean rank.

    scipy.stats.rankdata gives the same; loading it takes longer than many an epoch, and this is asked for after each.
    """
    flat = values.reshape(len(values), -1)
    ranked = np.empty(flat.shape, np.float64)
    for row, out in zip(flat, ranked, strict=True):
        _, places, counts = np.unique(row, return_inverse=True, return_counts=True)
        out[:] = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return ranked


def rank_correlation(one: Maps, other: Maps) -> NDArray[np.float64]:
    """Return Spearman's rank correlation of each pair of maps, (N,): 1 for the same pixel order (Spearman 1904).

    nan where a map is constant or not finite: it orders nothing.
    """
    a, b = (each - each.mean(axis=1, keepdims=True) for each in (ranks(one), ranks(other)))
    spreads = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    known = spreads > 0
    for each in (one, other):
        known &= np.isfinite(each.reshape(len(each), -1)).all(axis=1)
    found = np.full(len(a), np.nan)
    found[known] = (a * b).sum(axis=1)[known] / spreads[known]
    return found
