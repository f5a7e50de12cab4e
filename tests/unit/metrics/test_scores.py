"""Accuracy and AUC are compared with MedMNIST's own evaluator, the others with their definitions."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from xaitui.catalog.metrics import METRICS
from xaitui.catalog.records import Task
from xaitui.metrics.scores import Scores, score
from xaitui.training.evaluate import probabilities

pytestmark = pytest.mark.filterwarnings("error")

UNDEFINED_WITHOUT_A_CLASS = {"auc", "balanced_accuracy", "macro_f1"}


@pytest.fixture(scope="module")
def evaluator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """MedMNIST's evaluator; importing it makes a folder in the home, so it gets another home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        import medmnist.evaluator

        yield medmnist.evaluator


def test_table_names_the_loss_and_every_score() -> None:
    assert len(METRICS) == 5
    assert list(METRICS) == ["loss", *(name for name in Scores.__dataclass_fields__ if name != "undefined")]
    assert [name for name, info in METRICS.items() if info.direction == "min"] == ["loss"]
    assert all(info.name == name and format(0.5, info.format) == "0.5000" for name, info in METRICS.items())


def draw(task: Task, seed: int, samples: int, classes: int, ties: bool) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """Probabilities and labels in which each class occurs; with `ties`, probabilities of few values."""
    rng = np.random.default_rng(seed)
    classes = 2 if task is Task.BINARY else classes
    logits = torch.from_numpy(rng.normal(size=(samples, classes)))
    if ties:
        logits = logits.round()
    if task is Task.MULTI_LABEL:
        labels = rng.integers(0, 2, (samples, classes))
        labels[0], labels[1] = 0, 1
    else:
        labels = np.concatenate([np.arange(classes), rng.integers(0, classes, samples - classes)])
    return probabilities(logits, task).numpy(), labels


@pytest.mark.parametrize("task", list(Task))
@given(seed=st.integers(0, 2**32 - 1), samples=st.integers(8, 200), classes=st.integers(2, 6), ties=st.booleans())
def test_accuracy_and_auc_are_medmnists(
    evaluator: Any, task: Task, seed: int, samples: int, classes: int, ties: bool
) -> None:
    predicted, labels = draw(task, seed, samples, classes, ties)
    ours = score(task, predicted, labels)
    theirs = labels if task is Task.MULTI_LABEL else labels[:, None]
    assert ours.auc == pytest.approx(evaluator.getAUC(theirs, predicted, task.value), abs=1e-12)
    assert ours.accuracy == pytest.approx(evaluator.getACC(theirs, predicted, task.value), abs=1e-12)
    assert ours.undefined == {}


def test_one_half_exactly_is_a_no() -> None:
    halves = np.full((4, 2), 0.5, np.float32)
    assert score(Task.BINARY, halves, np.array([0, 0, 0, 1])).accuracy == 0.75
    assert score(Task.MULTI_LABEL, halves, np.array([[0, 1], [0, 0], [1, 0], [0, 0]])).accuracy == 0.75


def test_first_of_equal_classes_wins() -> None:
    equal = np.full((3, 3), 1 / 3, np.float32)
    assert score(Task.MULTI_CLASS, equal, np.array([0, 1, 2])).accuracy == pytest.approx(1 / 3)


def test_balanced_accuracy_and_macro_f1_of_classes() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1, 2, 2])
    predicted = np.eye(3, dtype=np.float32)[[0, 0, 0, 1, 1, 1, 0, 0]]
    scores = score(Task.MULTI_CLASS, predicted, labels)
    assert scores.balanced_accuracy == pytest.approx((3 / 4 + 1 + 0) / 3)
    assert scores.macro_f1 == pytest.approx((2 * 3 / (2 * 3 + 2 + 1) + 2 * 2 / (2 * 2 + 1) + 0) / 3)


def test_balanced_accuracy_and_macro_f1_of_labels() -> None:
    labels = np.array([[1, 0], [1, 1], [0, 0], [0, 0]])
    predicted = np.array([[0.9, 0.1], [0.1, 0.2], [0.1, 0.3], [0.2, 0.9]], np.float32)
    scores = score(Task.MULTI_LABEL, predicted, labels)
    assert scores.balanced_accuracy == pytest.approx(((1 / 2 + 1) / 2 + (0 + 2 / 3) / 2) / 2)
    assert scores.macro_f1 == pytest.approx((2 / 3 + 0) / 2)


def undefined_names(scores: Scores) -> set[str]:
    """The names of the undefined scores, of which each must be NaN, and no other."""
    names = {name for name in METRICS if name != "loss" and isnan(getattr(scores, name))}
    assert names == set(scores.undefined)
    return names


@pytest.mark.parametrize("task", [Task.MULTI_CLASS, Task.ORDINAL, Task.BINARY])
def test_absent_class_leaves_scores_undefined_with_the_reason(task: Task) -> None:
    predicted, _ = draw(task, 0, 10, 4, ties=False)
    scores = score(task, predicted, np.zeros(10, np.int64))
    assert undefined_names(scores) == UNDEFINED_WITHOUT_A_CLASS
    assert scores.undefined["auc"] == (
        "class 1 has no samples" if task is Task.BINARY else "classes 1, 2, 3 have no samples"
    )


def test_label_without_positives_or_without_negatives_leaves_scores_undefined() -> None:
    predicted, labels = draw(Task.MULTI_LABEL, 0, 10, 3, ties=False)
    labels[:, 2] = 1
    scores = score(Task.MULTI_LABEL, predicted, labels)
    assert undefined_names(scores) == {"auc", "balanced_accuracy"}
    assert scores.undefined["auc"] == "label 2 has no negatives"
    labels[:, :2] = 0
    scores = score(Task.MULTI_LABEL, predicted, labels)
    assert undefined_names(scores) == UNDEFINED_WITHOUT_A_CLASS
    assert scores.undefined["macro_f1"] == "labels 0, 1 have no positives"


@pytest.mark.parametrize("task", list(Task))
def test_one_sample_has_an_accuracy_only(task: Task) -> None:
    labels = np.array([[1, 0]]) if task is Task.MULTI_LABEL else np.array([1])
    scores = score(task, np.array([[0.2, 0.8]], np.float32), labels)
    assert scores.accuracy == (0.0 if task is Task.MULTI_LABEL else 1.0)
    assert undefined_names(scores) == UNDEFINED_WITHOUT_A_CLASS


@pytest.mark.parametrize("task", list(Task))
@pytest.mark.parametrize(("samples", "reason"), [(0, "there are no samples"), (5, "the probabilities are not finite")])
def test_without_usable_probabilities_nothing_is_defined(task: Task, samples: int, reason: str) -> None:
    labels = np.zeros((samples, 2) if task is Task.MULTI_LABEL else samples, np.int64)
    scores = score(task, np.full((samples, 2), np.nan, np.float32), labels)
    assert undefined_names(scores) == {"accuracy", *UNDEFINED_WITHOUT_A_CLASS}
    assert set(scores.undefined.values()) == {reason}
