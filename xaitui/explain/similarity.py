"""Similarity of two models' maps of the same images, and where they differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xaitui.explain.trust.randomisation import structure
from xaitui.metrics.rank_correlation import rank_correlation

Maps = NDArray[np.float32]
"""(N, H, W)"""


@dataclass(frozen=True, eq=False)
class Likeness:
    """Image by image, (N,): 1 for maps that are alike; nan where one is all zero or not finite."""

    spearman_abs: NDArray[np.float64]
    """Rank correlation of the sizes: do they look at the same places?"""
    spearman_signed: NDArray[np.float64]
    """Rank correlation of the values: do these also speak for the same?"""
    ssim: NDArray[np.float64]
    """Structural similarity of the sizes, each map scaled to at most 1 (Wang et al. 2004)."""


def likeness(one: Maps, other: Maps) -> Likeness:
    """Compare maps at equal places, as the randomisation test does (Adebayo et al. 2018)."""
    sizes, others = np.abs(one), np.abs(other)
    by_size = rank_correlation(sizes, others)
    pairs = zip(sizes, others, by_size, strict=True)
    ssim = [np.nan if np.isnan(known) else structure(a, b) for a, b, known in pairs]
    return Likeness(by_size, rank_correlation(one, other), np.array(ssim, np.float64))


def difference(one: Maps, other: Maps) -> Maps:
    """What one map has and the other has not, within [-2, 2]: each is scaled to a largest size of 1 before.

    The sizes themselves cannot be compared, for logits of different models have different scales.
    """
    found: Maps = _scaled(one) - _scaled(other)
    return found


def _scaled(maps: Maps) -> Maps:
    peaks = np.abs(maps).max(axis=(1, 2), keepdims=True)
    peaks[peaks == 0] = 1
    scaled: Maps = maps / peaks
    return scaled
