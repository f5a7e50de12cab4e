from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.builders.runs import finished_run
from xaitui.catalog.datasets import DATASETS
from xaitui.catalog.records import Task
from xaitui.errors import DataError
from xaitui.evaluation.evaluation import Evaluation
from xaitui.evaluation.mistakes import rank
from xaitui.runs.predictions import Predictions, write_predictions

PROBABILITIES = np.array([[0.9, 0.1], [0.45, 0.55], [0.2, 0.8], [0.95, 0.05], [0.48, 0.52]], np.float32)
LABELS = np.array([1, 0, 1, 1, 1])
FOUND = Predictions(PROBABILITIES, LABELS, rows=np.array([10, 20, 30, 40, 50]))


def test_the_wrong_ones_by_loss() -> None:
    samples = rank(FOUND, Task.BINARY, "mistakes")
    assert [each.index for each in samples] == [3, 0, 1]
    assert [each.row for each in samples] == [40, 10, 20]
    assert all(each.is_wrong for each in samples)
    assert (samples[0].p_label, samples[0].p_predicted) == pytest.approx((0.05, 0.95))
    assert samples[0].loss == pytest.approx(-np.log(0.05), abs=1e-5)


def test_the_least_certain_and_the_suspicious() -> None:
    assert [each.index for each in rank(FOUND, Task.BINARY, "uncertain", limit=2)] == [4, 1]
    assert [each.index for each in rank(FOUND, Task.BINARY, "suspicious")] == [3, 0, 1, 4, 2]
    assert rank(FOUND, Task.BINARY, "uncertain")[0].margin == pytest.approx(0.04)


def test_a_pair_of_classes() -> None:
    assert [each.index for each in rank(FOUND, Task.BINARY, "mistakes", pair=(1, 0))] == [3, 0]
    assert [each.index for each in rank(FOUND, Task.BINARY, "mistakes", pair=(1, 1))] == [4, 2], "what was right"
    assert rank(FOUND, Task.BINARY, "uncertain", pair=(0, 0)) == ()


def test_an_older_run_has_the_names_of_the_catalog(runs_dir: Path) -> None:
    run = finished_run(runs_dir, "one", settings={"data.dataset": "breastmnist"})
    write_predictions(run.predictions / "test.npz", PROBABILITIES, LABELS)
    found = Evaluation.read(run, "test")
    assert (found.task, found.classes) == (Task.BINARY, DATASETS["breastmnist"].classes)
    assert found.temperature is None
    write_predictions(run.predictions / "val.npz", PROBABILITIES, LABELS)
    assert Evaluation.read(run, "test").temperature is not None


def test_what_is_not_finite_is_not_evaluated() -> None:
    with pytest.raises(DataError, match="its val predictions are not finite"):
        Evaluation.of("val", Predictions(PROBABILITIES * np.nan, LABELS), Task.BINARY, ("a", "b"))
