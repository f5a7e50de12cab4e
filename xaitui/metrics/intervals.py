"""Confidence intervals of scores: percentile bootstrap (Efron and Tibshirani 1993).

A resample is how often each image is drawn. All scores are computed for many resamples at once from these counts,
which takes seconds where to score each resample by itself would take minutes; the tests compare them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.records import Task
from xaitui.metrics.per_sample import losses
from xaitui.metrics.scores import Labels, Probabilities, decide

RESAMPLES = 1000
CONFIDENCE = 0.95
_AT_ONCE = 1 << 20
"""Number of counts in memory at a time."""

Counts = NDArray[np.float32]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """95 % confidence interval of a score; NaN if undefined."""

    low: float
    high: float


def bootstrap_intervals(
    task: Task, probabilities: Probabilities, labels: Labels, *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Interval]:
    """Return the intervals of the loss and of every score, by catalog name.

    A resample in which a score is undefined, because a rare class is not in it, does not count for that score.
    """
    parts = [_resampled(task, probabilities, labels, counts) for counts in _draws(len(labels), resamples, seed)]
    return {name: _interval(np.concatenate([part[name] for part in parts])) for name in parts[0]}


def _draws(images: int, resamples: int, seed: int) -> Iterator[Counts]:
    """Yield how often each image is drawn, of shape (resamples, images), in portions."""
    draw = np.random.default_rng(seed)
    portion = max(1, _AT_ONCE // images)
    for first in range(0, resamples, portion):
        rows = min(portion, resamples - first)
        drawn = draw.integers(0, images, (rows, images)) + images * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * images).reshape(rows, images).astype(np.float32)


def _interval(values: Values) -> Interval:
    known = values[np.isfinite(values)]
    if not len(known):
        return Interval(nan, nan)
    low, high = np.quantile(known, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(low), float(high))


def _resampled(task: Task, probabilities: Probabilities, labels: Labels, counts: Counts) -> dict[str, Values]:
    """Return each score of each resample, (resamples,); NaN if undefined."""
    decided = decide(task, probabilities)
    is_of = labels > 0 if labels.ndim > 1 else labels[:, None] == np.arange(probabilities.shape[1])
    said = decided > 0 if labels.ndim > 1 else decided[:, None] == np.arange(probabilities.shape[1])
    found, true, told = (counts @ each.astype(np.float32) for each in (is_of & said, is_of, said))
    images = len(labels)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = found / true
        f1 = np.where(true > 0, 2 * found / (true + told), nan)
        if task is Task.MULTI_LABEL:
            right = counts @ (decided == labels).mean(axis=1, dtype=np.float64)
            recall = (recall + (images - true - told + found) / (images - true)) / 2
        else:
            right = found.sum(axis=1, dtype=np.float64)
    return {
        "loss": counts @ losses(task, probabilities, labels) / images,
        "accuracy": right / images,
        "auc": _aucs(task, probabilities, is_of, counts).mean(axis=1),
        "balanced_accuracy": recall.mean(axis=1, dtype=np.float64),
        "macro_f1": f1.mean(axis=1, dtype=np.float64),
    }


def _aucs(task: Task, probabilities: Probabilities, is_of: NDArray[np.bool_], counts: Counts) -> Values:
    """Return the AUC of each class in each resample, (resamples, classes); for binary tasks of the last class only."""
    classes = [-1] if task is Task.BINARY else range(probabilities.shape[1])
    return np.stack([_auc(probabilities[:, index], is_of[:, index], counts) for index in classes], axis=1)


def _auc(scores: Probabilities, positive: NDArray[np.bool_], counts: Counts) -> Values:
    """Return the probability that a positive scores higher than a negative, ties counting half (Hanley 1982)."""
    negative = np.flatnonzero(~positive)
    negative = negative[np.argsort(scores[negative])]
    drawn = counts[:, negative]
    below = np.zeros((len(counts), len(negative) + 1), np.float32)  # negatives before the first, the second, ...
    np.cumsum(drawn, axis=1, out=below[:, 1:])
    less, up_to = (np.searchsorted(scores[negative], scores[positive], side) for side in ("left", "right"))
    beaten = below[:, less] + below[:, up_to]  # twice as many
    positives = counts[:, positive]
    pairs = 2.0 * positives.sum(axis=1, dtype=np.float64) * below[:, -1]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((positives * beaten).sum(axis=1, dtype=np.float64) / pairs)
