"""Cohen's kappa: agreement beyond chance."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

from xaitui.catalog.records import Task
from xaitui.metrics.scores import Labels


@dataclass(frozen=True)
class Kappa:
    """Cohen's kappa: 1 is perfect agreement, 0 is chance."""

    value: float
    """NaN if undefined."""
    is_quadratic: bool = False
    """Whether errors are weighted by their squared distance, as for ordinal classes (Cohen 1968)."""
    undefined: str = ""
    """Why it is NaN."""


def cohen_kappa(task: Task, decided: Labels, labels: Labels) -> Kappa:
    """Return kappa of predicted classes and labels (N,), quadratic for ordinal tasks; not for multi-label tasks."""
    if task is Task.MULTI_LABEL:
        return Kappa(nan, undefined="an image may have several labels")
    quadratic = task is Task.ORDINAL
    if len({*decided.tolist(), *labels.tolist()}) < 2:
        return Kappa(nan, quadratic, "all images are of one class and predicted to be")
    from sklearn.metrics import cohen_kappa_score

    return Kappa(float(cohen_kappa_score(labels, decided, weights="quadratic" if quadratic else None)), quadratic)
