"""Scores of predictions, by MedMNIST's rules where they exist.

Labels are int64: class indices (N,), or for several labels zeros and ones (N, L). Probabilities are float32, (N, C) or
(N, L): scores of another type or of logits rank samples differently, and the AUC with them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import nan
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.records import Task
from xaitui.errors import UsageError
from xaitui.text import listed

Labels = NDArray[np.int64]
Probabilities = NDArray[np.float32]

THRESHOLD = 0.5
"""Probabilities strictly above it are positive in binary and multi-label tasks."""


@dataclass(frozen=True)
class Scores:
    """Scores of predictions; NaN if undefined, with the reason."""

    accuracy: float
    """Fraction of correct samples; for multi-label tasks, of all label decisions."""
    auc: float
    """Area under the ROC curve: of the last column for binary tasks, else the mean over classes (one against the
    rest) or labels."""
    balanced_accuracy: float
    """Mean recall of the classes; for multi-label tasks, the mean over labels of sensitivity and specificity."""
    macro_f1: float
    """Mean F1 of the classes; for multi-label tasks, of the labels."""
    undefined: dict[str, str] = field(default_factory=dict)
    """Why scores are NaN, by name."""

    @property
    def values(self) -> dict[str, float]:
        """Return the scores by catalog name."""
        return {name: getattr(self, name) for name in ("accuracy", "auc", "balanced_accuracy", "macro_f1")}


def decide(task: Task, probabilities: Probabilities) -> Labels:
    """Return predictions by MedMNIST's rule: classes (N,), the first of equal ones, or zeros and ones (N, L)."""
    if task is Task.MULTI_LABEL:
        return (probabilities > THRESHOLD).astype(np.int64)
    if task is Task.BINARY:
        return (probabilities[:, -1] > THRESHOLD).astype(np.int64)
    classes: Labels = probabilities.argmax(axis=1)
    return classes


def score(task: Task, probabilities: Probabilities, labels: Labels, classes: Sequence[str] = ()) -> Scores:
    """Score probabilities against labels; reasons name the columns by `classes`, or by number.

    Accuracy and AUC equal those of `medmnist.evaluator` for every task. A score that these labels leave undefined is
    NaN with a reason in `undefined`; nothing is raised or warned of.
    """
    unusable = _unusable(probabilities)
    if unusable:
        return Scores(nan, nan, nan, nan, dict.fromkeys(("accuracy", "auc", "balanced_accuracy", "macro_f1"), unusable))
    names = classes or tuple(map(str, range(probabilities.shape[1])))
    if task is Task.MULTI_LABEL:
        return _score_labels(probabilities, labels, names)
    return _score_classes(task, probabilities, labels, names)


def _unusable(scores: Probabilities) -> str:
    if not len(scores):
        return "there are no samples"
    return "" if np.isfinite(scores).all() else "the probabilities are not finite"


def _score_classes(task: Task, scores: Probabilities, labels: Labels, names: Sequence[str]) -> Scores:
    from sklearn.metrics import accuracy_score, f1_score, recall_score, roc_auc_score

    classes = list(range(2 if task is Task.BINARY else scores.shape[1]))
    predicted = decide(task, scores)
    accuracy = float(accuracy_score(labels, predicted))
    if undefined := undefined_scores(task, labels, names):
        return Scores(accuracy, nan, nan, nan, undefined)
    if task is Task.BINARY:
        auc = float(roc_auc_score(labels, scores[:, -1]))
    else:
        auc = fmean(roc_auc_score(labels == index, scores[:, index]) for index in classes)
    return Scores(
        accuracy=accuracy,
        auc=auc,
        balanced_accuracy=float(recall_score(labels, predicted, labels=classes, average="macro")),
        macro_f1=float(f1_score(labels, predicted, labels=classes, average="macro")),
    )


def _score_labels(scores: Probabilities, labels: Labels, names: Sequence[str]) -> Scores:
    from sklearn.metrics import f1_score, recall_score, roc_auc_score

    predicted = decide(Task.MULTI_LABEL, scores)
    accuracy = float((predicted == labels).mean())
    undefined = undefined_scores(Task.MULTI_LABEL, labels, names)

    def over_labels(name: str, metric: Callable[[int], float]) -> float:
        return nan if name in undefined else fmean(metric(label) for label in range(labels.shape[1]))

    return Scores(
        accuracy=accuracy,
        auc=over_labels("auc", lambda i: roc_auc_score(labels[:, i], scores[:, i])),
        balanced_accuracy=over_labels(
            "balanced_accuracy", lambda i: recall_score(labels[:, i], predicted[:, i], average="macro")
        ),
        macro_f1=over_labels("macro_f1", lambda i: f1_score(labels[:, i], predicted[:, i])),
        undefined=undefined,
    )


def undefined_scores(task: Task, labels: Labels, classes: Sequence[str]) -> dict[str, str]:
    """Return why labels make scores undefined for any prediction, by name of the score.

    Args:
        task: of the dataset.
        labels: of the split.
        classes: their names.
    """
    if task is not Task.MULTI_LABEL:
        missing = sorted(set(range(len(classes))) - set(np.unique(labels).tolist()))
        reason = _have("class", missing, classes) + " no samples"
        return dict.fromkeys(("auc", "balanced_accuracy", "macro_f1"), reason) if missing else {}
    positives = labels.sum(axis=0)
    never = np.flatnonzero(positives == 0).tolist()
    always = np.flatnonzero(positives == len(labels)).tolist()
    if never:
        reason = _have("label", never, classes) + " no positives"
        return dict.fromkeys(("auc", "balanced_accuracy", "macro_f1"), reason)
    reason = _have("label", always, classes) + " no negatives"
    return dict.fromkeys(("auc", "balanced_accuracy"), reason) if always else {}


def require_defined(metric: str, option: str, task: Task, labels: Labels, classes: Sequence[str]) -> None:
    """Refuse to monitor a score that the validation labels make undefined.

    Raises:
        UsageError: says which classes are missing, and what to follow instead.
    """
    if reason := undefined_scores(task, labels, classes).get(metric):
        raise UsageError(
            f"{metric} is never defined on this validation split: {reason}; use {option} accuracy or "
            f"{option} loss, or add such images"
        )


def _have(noun: str, indices: list[int], names: Sequence[str]) -> str:
    few = listed(names[index] for index in indices)
    plural = "classes" if noun == "class" else "labels"
    return f"{noun} {few} has" if len(indices) == 1 else f"{plural} {few} have"
