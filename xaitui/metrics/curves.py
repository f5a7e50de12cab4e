"""ROC and precision-recall curves, thinned for drawing."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaitui.metrics.scores import Labels, Probabilities

POINTS = 200
"""Most points of a curve."""


@dataclass(frozen=True)
class Curve:
    """Points (x, y), float64 (K,) each, and the area under the curve."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    area: float
    undefined: str = ""
    """Why the curve is undefined; empty if it is defined."""


def roc(probabilities: Probabilities, labels: Labels, index: int) -> Curve:
    """True positive rate over false positive rate of one class against the rest, or of one label; the area is AUC."""
    from sklearn.metrics import roc_auc_score, roc_curve

    positive = _is_positive(labels, index)
    if why := _undefined(positive):
        return _no_curve(why)
    x, y, _ = roc_curve(positive, probabilities[:, index])
    return Curve(*thin(x, y), float(roc_auc_score(positive, probabilities[:, index])))


def precision_recall(probabilities: Probabilities, labels: Labels, index: int) -> Curve:
    """Precision over recall of one class against the rest, or of one label; the area is the average precision."""
    from sklearn.metrics import average_precision_score, precision_recall_curve

    positive = _is_positive(labels, index)
    if why := _undefined(positive):
        return _no_curve(why)
    precision, recall, _ = precision_recall_curve(positive, probabilities[:, index], drop_intermediate=True)
    area = float(average_precision_score(positive, probabilities[:, index]))
    return Curve(*thin(recall[::-1], precision[::-1]), area)


def thin(x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Thin a curve to at most POINTS points, including its ends."""
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), POINTS)).round().astype(np.int64))
    return x[kept].astype(np.float64), y[kept].astype(np.float64)


def _no_curve(why: str) -> Curve:
    return Curve(np.zeros(0), np.zeros(0), nan, why)


def _is_positive(labels: Labels, index: int) -> NDArray[np.bool_]:
    return labels[:, index] > 0 if labels.ndim > 1 else labels == index


def _undefined(positive: NDArray[np.bool_]) -> str:
    if not positive.any():
        return "it has no images"
    return "every image is of it" if positive.all() else ""
