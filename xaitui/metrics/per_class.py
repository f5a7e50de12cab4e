"""Scores of each class, or of each label, and their means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np

from xaitui.catalog.records import Task
from xaitui.metrics.scores import Labels, Probabilities, decide


@dataclass(frozen=True)
class ClassScores:
    """Scores of one class; NaN if undefined."""

    precision: float
    """NaN if the class is never predicted."""
    recall: float
    """NaN if the class has no samples."""
    f1: float
    auc: float
    """One against the rest; NaN if all samples are of the class, or none."""
    support: int
    """Samples of the class."""


@dataclass(frozen=True)
class PerClass:
    """Scores of every class, and two means over the classes that have samples.

    In the means, as in scikit-learn's report, the precision of a class that is never predicted counts as 0.
    """

    classes: tuple[ClassScores, ...]
    macro: ClassScores
    """Unweighted mean; its support is the total."""
    weighted: ClassScores
    """Mean weighted by support."""

    @property
    def never_found(self) -> tuple[int, ...]:
        """Classes with samples of which none is recognised."""
        return tuple(index for index, each in enumerate(self.classes) if each.support and each.recall == 0)


def per_class(task: Task, probabilities: Probabilities, labels: Labels) -> PerClass:
    """Score each class of probabilities (N, C) against labels (N,), or each label of (N, L)."""
    decided = decide(task, probabilities)
    support = _support(labels, probabilities.shape[1])
    aucs = [_auc(_is_of(labels, index), probabilities[:, index]) for index in range(len(support))]
    precisions, recalls, f1s = _scores(labels, decided, range(len(support)), None, nan)
    classes = tuple(
        ClassScores(float(precisions[index]), float(recalls[index]), float(f1s[index]), aucs[index], int(count))
        for index, count in enumerate(support)
    )
    macro, weighted = (_mean(labels, decided, aucs, support, average) for average in ("macro", "weighted"))
    return PerClass(classes, macro, weighted)


def _mean(labels: Labels, decided: Labels, aucs: Sequence[float], support: Labels, average: str) -> ClassScores:
    present = np.flatnonzero(support)
    if not len(present):
        return ClassScores(nan, nan, nan, nan, 0)
    precision, recall, f1 = _scores(labels, decided, present.tolist(), average, 0.0)
    weights = support[present] if average == "weighted" else None
    auc = np.average(np.array(aucs)[present], weights=weights)
    return ClassScores(float(precision), float(recall), float(f1), float(auc), int(support.sum()))


def _support(labels: Labels, classes: int) -> Labels:
    return labels.sum(axis=0) if labels.ndim > 1 else np.bincount(labels, minlength=classes)


def _is_of(labels: Labels, index: int) -> Any:
    return labels[:, index] > 0 if labels.ndim > 1 else labels == index


def _scores(labels: Labels, decided: Labels, which: Sequence[int], average: str | None, undefined: float) -> Any:
    """Return precision, recall and F1 of each class, or their mean."""
    from sklearn.metrics import precision_recall_fscore_support

    found = precision_recall_fscore_support(
        labels, decided, labels=list(which), average=average, zero_division=undefined
    )
    return found[:3]


def _auc(is_positive: Any, scores: Any) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(is_positive, scores)) if 0 < is_positive.sum() < len(is_positive) else nan
