"""Scores beyond the headline, against known values and against scikit-learn."""

from __future__ import annotations

from math import isnan, log

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import classification_report, cohen_kappa_score, log_loss

from xaitui.catalog.records import Task
from xaitui.errors import DataError
from xaitui.metrics.agreement import cohen_kappa
from xaitui.metrics.calibration import BINS, calibration, fit_temperature, with_temperature
from xaitui.metrics.confusion import confused_pairs, confusion_matrix, row_shares
from xaitui.metrics.curves import POINTS, precision_recall, roc
from xaitui.metrics.intervals import bootstrap_intervals
from xaitui.metrics.per_class import per_class
from xaitui.metrics.per_sample import losses, margins
from xaitui.metrics.scores import decide, score
from xaitui.metrics.selective import selective

pytestmark = pytest.mark.filterwarnings("error")
NAMES = ["accuracy", "auc", "balanced_accuracy", "macro_f1"]


def draw(
    task: Task, images: int = 120, classes: int = 3, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Probabilities with ties, and labels in which each class occurs."""
    rng = np.random.default_rng(seed)
    classes = 2 if task is Task.BINARY else classes
    if task is Task.MULTI_LABEL:
        labels = rng.integers(0, 2, (images, classes))
        return (labels * 0.3 + rng.random((images, classes)) * 0.6).round(1).astype(np.float32), labels
    labels = rng.integers(0, classes, images)
    scores = (rng.random((images, classes)) + np.eye(classes)[labels] * 0.4).round(1) + 0.1
    return (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32), labels


@pytest.mark.parametrize("task", [Task.MULTI_CLASS, Task.MULTI_LABEL])
def test_classes_and_their_means_are_those_of_scikit_learn(task: Task) -> None:
    probabilities, labels = draw(task)
    found = per_class(task, probabilities, labels)
    report = classification_report(labels, decide(task, probabilities), output_dict=True, zero_division=0)
    for index, each in enumerate(found.classes):
        theirs = report[str(index)]
        assert (each.precision, each.recall, each.f1) == (theirs["precision"], theirs["recall"], theirs["f1-score"])
        assert each.support == theirs["support"]
    assert found.macro.f1 == pytest.approx(report["macro avg"]["f1-score"])
    assert found.weighted.precision == pytest.approx(report["weighted avg"]["precision"])
    assert found.macro.auc == pytest.approx(score(task, probabilities, labels).auc)


def test_a_class_that_is_never_found_is_told_from_one_that_is_not_there() -> None:
    probabilities = np.array([[0.8, 0.1, 0.1, 0.0]] * 4, np.float32)
    found = per_class(Task.MULTI_CLASS, probabilities, np.array([0, 0, 1, 2]))
    assert found.never_found == (1, 2)
    assert isnan(found.classes[1].precision)
    assert isnan(found.classes[3].recall)
    assert found.macro.recall == pytest.approx(1 / 3), "a class without images has no part in the means"


def test_kappa_is_quadratic_for_an_ordinal_set() -> None:
    decided, labels = np.array([0, 1, 2, 2, 4]), np.array([0, 1, 1, 2, 0])
    for task, weights in ((Task.MULTI_CLASS, None), (Task.ORDINAL, "quadratic")):
        found = cohen_kappa(task, decided, labels)
        assert found.value == cohen_kappa_score(labels, decided, weights=weights)
        assert found.is_quadratic == (weights is not None)
    assert cohen_kappa(Task.BINARY, np.zeros(3, np.int64), np.zeros(3, np.int64)).undefined
    assert cohen_kappa(Task.MULTI_LABEL, decided, labels).undefined


def test_confusion_and_its_worst_pairs() -> None:
    matrix = confusion_matrix(np.array([0, 1, 1, 1, 0]), np.array([0, 0, 0, 1, 1]), 3)
    assert matrix.tolist() == [[1, 2, 0], [1, 1, 0], [0, 0, 0]]
    assert row_shares(matrix)[0].tolist() == [1 / 3, 2 / 3, 0]
    assert row_shares(matrix)[2].tolist() == [0, 0, 0]
    assert [(each.true, each.predicted, each.count) for each in confused_pairs(matrix)] == [(0, 1, 2), (1, 0, 1)]
    with pytest.raises(DataError, match="none of their classes"):
        confusion_matrix(np.array([0]), np.array([3]), 3)


def test_calibration_error_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.0, 1.0]], np.float32)
    found = calibration(Task.BINARY, probabilities, np.array([0, 1, 1, 1]))
    assert found.ece == pytest.approx((abs(1 - 1.8) + abs(1 - 0.6) + 0) / 4, abs=1e-6)
    assert found.brier == pytest.approx((0.01 + 0.81 + 0.16 + 0) / 4, abs=1e-6)
    assert len(found.bins) == BINS
    assert [each.count for each in found.bins if each.count] == [1, 2, 1]
    assert isnan(found.bins[0].accuracy)


def test_probability_at_a_border_belongs_to_the_lower_bin() -> None:
    found = calibration(Task.BINARY, np.array([[1.0, 0.0]], np.float32), np.array([0]))
    assert found.bins[-1].count == 1
    assert found.ece == 0


@pytest.mark.parametrize("task", [Task.MULTI_CLASS, Task.BINARY, Task.MULTI_LABEL])
def test_a_temperature_is_found_again(task: Task) -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(20_000, 2 if task is Task.BINARY else 3)) * 2
    if task is Task.MULTI_LABEL:
        true = 1 / (1 + np.exp(-logits))
        labels = (rng.random(true.shape) < true).astype(np.int64)
    else:
        true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        labels = (rng.random((len(true), 1)) > np.cumsum(true, axis=1)).sum(axis=1)
    too_sure = with_temperature(task, true.astype(np.float32), 0.5)
    temperature = fit_temperature(task, too_sure, labels)
    assert temperature == pytest.approx(2, abs=0.08)
    mended = with_temperature(task, too_sure, temperature)
    assert calibration(task, mended, labels).ece < calibration(task, too_sure, labels).ece / 3
    assert calibration(task, mended, labels).loss < calibration(task, too_sure, labels).loss


def test_losses_are_cross_entropies_and_never_infinite() -> None:
    probabilities, labels = draw(Task.MULTI_CLASS)
    assert losses(Task.MULTI_CLASS, probabilities, labels).mean() == pytest.approx(
        log_loss(labels, probabilities / probabilities.sum(axis=1, keepdims=True)), abs=1e-6
    )
    several = losses(Task.MULTI_LABEL, np.array([[0.5, 0.25]], np.float32), np.array([[1, 0]]))
    assert several.tolist() == pytest.approx([-(log(0.5) + log(0.75)) / 2])
    assert 80 < losses(Task.BINARY, np.array([[0.0, 1.0]], np.float32), np.array([0]))[0] < 90
    assert margins(np.array([[0.2, 0.7, 0.1]], np.float32)) == pytest.approx([0.5])


def test_curves_are_thinned_and_keep_their_area() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.random((5000, 2)).astype(np.float32)
    labels = rng.integers(0, 2, 5000)
    for curve in (roc(probabilities, labels, 1), precision_recall(probabilities, labels, 1)):
        assert 2 < len(curve.x) == len(curve.y) <= POINTS
        assert (curve.x[0], curve.x[-1]) == (0, 1)
        assert np.trapezoid(curve.y, curve.x) == pytest.approx(curve.area, abs=0.02)
    assert roc(probabilities, np.zeros(5000, np.int64), 1).undefined == "it has no images"
    assert precision_recall(probabilities, np.ones(5000, np.int64), 1).undefined == "every image is of it"


def test_selective_prediction_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.45, 0.55], [0.3, 0.7], [0.2, 0.8]], np.float32)
    found = selective(Task.BINARY, probabilities, np.array([0, 0, 0, 1]))
    assert found.accuracies.tolist() == pytest.approx([1, 1, 2 / 3, 1 / 2])
    assert (found.at(1), found.at(0.5), found.at(0.01)) == (0.5, 1, 1)
    assert found.aurc == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4)
    assert found.curve[0].tolist() == [0.25, 0.5, 0.75, 1]


@pytest.mark.parametrize("task", list(Task))
def test_intervals_are_those_of_scores_of_resampled_images(task: Task) -> None:
    probabilities, labels = draw(task, images=60)
    found = bootstrap_intervals(task, probabilities, labels, resamples=50, seed=3)
    drawn = np.random.default_rng(3).integers(0, 60, (50, 60))
    values = [score(task, probabilities[rows], labels[rows]).values for rows in drawn]
    for name in NAMES:
        expected = np.nanquantile([each[name] for each in values], [0.025, 0.975])
        assert (found[name].low, found[name].high) == pytest.approx(expected, abs=1e-6), name
    costs = [losses(task, probabilities[rows], labels[rows]).mean() for rows in drawn]
    assert found["loss"].high == pytest.approx(np.quantile(costs, 0.975), abs=1e-5)


def test_intervals_are_the_same_each_time_and_nan_where_nothing_is_defined() -> None:
    probabilities, labels = draw(Task.MULTI_CLASS, images=20)
    assert bootstrap_intervals(Task.MULTI_CLASS, probabilities, labels) == bootstrap_intervals(
        Task.MULTI_CLASS, probabilities, labels
    )
    absent = bootstrap_intervals(Task.MULTI_CLASS, probabilities, np.zeros(20, np.int64), resamples=5)
    assert isnan(absent["auc"].low)
    assert not isnan(absent["accuracy"].low)
