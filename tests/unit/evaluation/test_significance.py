from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from tests.builders.predictions import predict, right_but
from tests.builders.runs import finished_run, write
from xaitui.evaluation.significance import bootstrap_means, holm, mcnemar, tell_apart
from xaitui.events import Note
from xaitui.runs.directory import RunDirectory
from xaitui.runs.predictions import write_predictions


def runs_with(runs_dir: Path, *rights: list[bool], **settings: object) -> list[RunDirectory]:
    runs = []
    for number, right in enumerate(rights):
        runs.append(finished_run(runs_dir, f"run{number}", settings=settings))
        predict(runs[-1], right)
    return runs


def test_a_clear_difference_and_none(runs_dir: Path) -> None:
    runs = runs_with(runs_dir, right_but(40), right_but(10), right_but(41), right_but(90))
    found = tell_apart(runs, 0, "val")
    assert [each.verdict for each in found.tests] == ["better", "not distinguishable", "worse"]
    better = found.tests[0]
    assert (better.run, better.images, better.only_run, better.only_baseline) == (1, 200, 30, 0)
    assert better.difference == pytest.approx(0.15)
    assert better.low < 0.15 < better.high
    assert better.p == pytest.approx(2 * 0.5**30)
    assert better.adjusted == pytest.approx(2 * better.p)
    assert found.untested == {}


def test_a_difference_is_minded_among_many(runs_dir: Path) -> None:
    runs = runs_with(runs_dir, right_but(6), *[right_but(0)] * 1)
    assert [each.verdict for each in tell_apart(runs, 0, "val").tests] == ["better"]
    runs = runs_with(runs_dir / "many", right_but(6), *[right_but(0)] * 2)
    assert [each.verdict for each in tell_apart(runs, 0, "val").tests] == ["not distinguishable"] * 2


def test_equal_runs_are_not_told_apart(runs_dir: Path) -> None:
    (test,) = tell_apart(runs_with(runs_dir, right_but(3), right_but(3)), 1, "val").tests
    assert (test.run, test.p, test.low, test.high, test.verdict) == (0, 1.0, 0.0, 0.0, "not distinguishable")


def test_runs_of_other_images_are_refused(runs_dir: Path) -> None:
    settings: list[dict[str, Any]] = [
        {},
        {"training.seed": 1},
        {"data.dataset": "mnist"},
        {"data.val_fraction": 0.2},
        {},
        {},
        {},
    ]
    base, *others = [finished_run(runs_dir, f"run{number}", settings=each) for number, each in enumerate(settings)]
    for run in (base, *others[:4]):
        predict(run, right_but(3))
    predict(others[3], right_but(3), shift=1)
    others[4].predictions.mkdir()
    (others[4].predictions / "val.npz").write_bytes(b"torn")
    found = tell_apart([base, *others], 0, "val")
    assert found.tests == ()
    assert found.untested == {
        1: "seeds cut different validation images",
        2: "they are of different datasets",
        3: "another part of train was cut for validation",
        4: "they were made of other images",
        5: "its val predictions are damaged",
        6: "it has no val predictions",
    }
    assert tell_apart([base, others[5]], 1, "val").untested == {0: "of the baseline: it has no val predictions"}


def test_a_published_split_is_the_same_for_every_seed(runs_dir: Path) -> None:
    runs = [
        finished_run(runs_dir, str(seed), settings={"data.dataset": "breastmnist", "training.seed": seed})
        for seed in (0, 1)
    ]
    for run in runs:
        predict(run, right_but(3))
    assert len(tell_apart(runs, 0, "val").tests) == 1


def test_of_own_data_the_run_says_whether_a_split_was_cut(runs_dir: Path) -> None:
    runs = [
        finished_run(runs_dir, str(seed), settings={"data.dataset": "own.npz", "training.seed": seed})
        for seed in (0, 1)
    ]
    for run in runs:
        predict(run, right_but(3))
    assert len(tell_apart(runs, 0, "val").tests) == 1
    write(runs[1], Note(message="val is cut from train: 20 of 200 images, stratified by class"))
    assert tell_apart(runs, 0, "val").untested == {1: "seeds cut different validation images"}


def test_the_test_split_is_the_same_for_every_seed(runs_dir: Path) -> None:
    runs = [finished_run(runs_dir, str(seed), settings={"training.seed": seed}) for seed in (0, 1)]
    for run in runs:
        predict(run, right_but(3), "test")
    assert len(tell_apart(runs, 0, "test").tests) == 1


def test_several_labels_are_counted_one_by_one(runs_dir: Path) -> None:
    runs = [finished_run(runs_dir, name, settings={"data.dataset": "chestmnist"}) for name in ("a", "b")]
    labels = np.zeros((100, 4), np.int64)
    for run, wrong in zip(runs, (50, 10), strict=True):
        probabilities = np.full((100, 4), 0.1, np.float32)
        probabilities[:wrong, 2] = 0.9
        write_predictions(run.predictions / "val.npz", probabilities, labels)
    (test,) = tell_apart(runs, 0, "val").tests
    assert (test.only_run, test.only_baseline, test.verdict) == (40, 0, "better")
    assert test.difference == pytest.approx(0.1)
    assert test.p == pytest.approx(2 / 10_001)


def test_resamples_are_those_of_drawing_the_images_themselves() -> None:
    values = np.repeat([1, 0, -1], [30, 160, 10])
    means = bootstrap_means(values)
    drawn = values[np.random.default_rng(1).integers(0, len(values), (10_000, len(values)))].mean(axis=1)
    assert np.quantile(means, [0.025, 0.5, 0.975]) == pytest.approx(np.quantile(drawn, [0.025, 0.5, 0.975]), abs=0.006)
    assert np.array_equal(means, bootstrap_means(values))


def test_mcnemar_is_the_binomial_test_of_the_discordant_pairs() -> None:
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(3, 12) == pytest.approx(2 * stats.binom.cdf(3, 15, 0.5))
    assert mcnemar(12, 3) == mcnemar(3, 12)


def test_the_example_of_holm() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.7, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


def test_a_run_without_a_configuration_is_no_hindrance(runs_dir: Path) -> None:
    runs = runs_with(runs_dir, right_but(3), right_but(3))
    runs[1].config.unlink()
    assert tell_apart(runs, 0, "val").untested == {1: "they are of different datasets"}
