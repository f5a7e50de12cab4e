"""Calibration of probabilities, and temperature scaling.

Expected calibration error and temperature scaling are those of Guo et al. 2017 ("On Calibration of Modern Neural
Networks").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.records import Task
from xaitui.metrics.per_sample import SMALLEST, losses
from xaitui.metrics.scores import Labels, Probabilities, decide

BINS = 15
"""Of equal width, as in the paper."""
TEMPERATURES = 0.05, 20.0
"""Search range of the temperature; a model without validation errors would need 0."""


@dataclass(frozen=True)
class ReliabilityBin:
    """Predictions with confidence in (low, high]."""

    low: float
    high: float
    count: int
    confidence: float
    """Mean confidence; NaN for an empty bin."""
    accuracy: float
    """Fraction that is correct; NaN for an empty bin."""


@dataclass(frozen=True)
class Calibration:
    """Calibration of a model.

    An answer is the likeliest class of an image, its confidence that class's probability. Where an image may have
    several labels, each of them is an answer, its confidence the probability of yes, and right means yes.
    """

    bins: tuple[ReliabilityBin, ...]
    ece: float
    """Expected calibration error: mean difference of accuracy and confidence over the bins, weighted by count."""
    brier: float
    """Brier score: mean squared error of the probabilities, summed over classes (one of two for binary tasks); for
    multi-label tasks the mean over labels."""
    loss: float
    """Mean cross entropy, which the temperature minimises on validation."""


def calibration(task: Task, probabilities: Probabilities, labels: Labels) -> Calibration:
    """Measure the calibration of probabilities (N, C) for labels (N,), or multi-label (N, L); at least one sample."""
    confidence, right = _answers(task, probabilities, labels)
    edges = np.linspace(0, 1, BINS + 1)
    places = np.searchsorted(edges[1:-1], confidence, side="left")
    counts, sums, hits = (np.bincount(places, weights, BINS) for weights in (None, confidence, right))
    with np.errstate(invalid="ignore"):
        means, accuracies = sums / counts, hits / counts
    bins = tuple(
        ReliabilityBin(float(low), float(high), int(count), float(mean), float(accuracy))
        for low, high, count, mean, accuracy in zip(edges, edges[1:], counts, means, accuracies, strict=False)
    )
    return Calibration(
        bins=bins,
        ece=float(np.abs(hits - sums).sum() / len(confidence)),
        brier=_brier(task, probabilities, labels),
        loss=float(losses(task, probabilities, labels).mean()),
    )


def _answers(
    task: Task, probabilities: Probabilities, labels: Labels
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the confidence of each prediction, and whether it is correct."""
    if task is Task.MULTI_LABEL:
        return probabilities.ravel().astype(np.float64), labels.ravel().astype(np.float64)
    right = decide(task, probabilities) == labels
    return probabilities.max(axis=1).astype(np.float64), right.astype(np.float64)


def _brier(task: Task, probabilities: Probabilities, labels: Labels) -> float:
    from sklearn.metrics import brier_score_loss

    if task is Task.MULTI_LABEL:
        return float(brier_score_loss(labels.ravel(), probabilities.ravel(), pos_label=1))
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)  # float32 sums to 1 only up to rounding, which causes a warning
    return float(brier_score_loss(labels, exact, labels=range(probabilities.shape[1])))


def fit_temperature(task: Task, probabilities: Probabilities, labels: Labels) -> float:
    """Return the temperature that minimises the loss on these samples, which must be validation, never test."""
    from scipy.optimize import minimize_scalar

    low, high = np.log(TEMPERATURES)
    found = minimize_scalar(
        lambda exponent: losses(task, with_temperature(task, probabilities, float(np.exp(exponent))), labels).mean(),
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-4},
    )
    return float(np.exp(found.x))


def with_temperature(task: Task, probabilities: Probabilities, temperature: float) -> Probabilities:
    """Return the probabilities after dividing the logits by a temperature."""
    from scipy.special import expit, logit, softmax

    exact = np.maximum(probabilities.astype(np.float64), SMALLEST)
    if task is Task.MULTI_LABEL:
        below_one = np.minimum(exact, 1 - np.finfo(np.float32).epsneg)
        scaled = expit(logit(below_one) / temperature)
    else:
        scaled = softmax(np.log(exact) / temperature, axis=1)
    return np.asarray(scaled, np.float32)
