from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.builders.runs import finished_run
from xaitui.evaluation.seed_groups import group_by_seed
from xaitui.runs.listing.comparison import compare


def test_runs_that_differ_by_seed_and_name_alone_are_a_group(runs_dir: Path) -> None:
    runs = [
        finished_run(
            runs_dir,
            f"{lr}-{seed}",
            accuracy,
            settings={"optimizer.lr": lr, "training.seed": seed, "run.name": f"n{seed}"},
        )
        for lr, seed, accuracy in ((0.1, 0, 0.7), (0.1, 1, 0.9), (0.2, 1, 0.95), (0.2, 0, 0.8), (0.2, 2, 0.5))
    ]
    first, second = group_by_seed(compare(runs))
    assert (first.label, first.runs, first.seeds) == ("lr=0.1", (0, 1), ("0", "1"))
    assert (second.label, second.runs, second.seeds) == ("lr=0.2", (2, 3, 4), ("1", "0", "2"))
    accuracy = first.spreads["val_accuracy"]
    assert (accuracy.n, accuracy.mean, accuracy.sd) == pytest.approx((2, 0.8, math.sqrt(0.02)))
    assert first.differences == {}
    difference = second.differences["val_accuracy"]
    assert (difference.n, difference.mean) == pytest.approx((2, 0.075))
    assert difference.low < 0.075 < difference.high


def test_a_seed_that_was_run_twice_is_one_sample(runs_dir: Path) -> None:
    runs = [finished_run(runs_dir, name, accuracy) for name, accuracy in (("one", 0.6), ("two", 0.7))]
    (group,) = group_by_seed(compare(runs))
    assert (group.label, group.runs, group.spreads["val_accuracy"].n) == ("", (0,), 1)


def test_a_run_that_cannot_be_read_is_in_no_group(runs_dir: Path) -> None:
    runs = [finished_run(runs_dir, str(seed), settings={"training.seed": seed}) for seed in range(3)]
    runs[1].config.write_text("[run")
    (group,) = group_by_seed(compare(runs))
    assert (group.label, group.runs) == ("", (0, 2))


def test_settings_of_the_same_name_are_told_apart_by_their_table(runs_dir: Path) -> None:
    settings = {"model.name": "resnet18", "optimizer.name": "sgd", "training.epochs": 3}
    runs = [finished_run(runs_dir, name, settings=values) for name, values in (("one", settings), ("two", {}))]
    label = group_by_seed(compare(runs))[0].label
    assert "model.name=resnet18" in label
    assert "optimizer.name=sgd" in label
    assert "epochs=3" in label.split(", ")
