from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from tests.builders.events import epoch_finished, finished, started
from tests.builders.runs import finished_run, made_run, own
from xaitui.errors import UsageError
from xaitui.runs.listing.comparison import Comparison, Score, compare, short_labels


@pytest.fixture
def comparison(runs_dir: Path) -> Comparison:
    """A finished run of Adam, a better one of SGD, and one that is going on."""
    first = finished_run(runs_dir, "20260301-101010-digits-simple-cnn-aaaa", 0.8, settings={"run.name": "a"})
    second = made_run(
        runs_dir,
        "20260302-101010-digits-simple-cnn-bbbb",
        started(parameters=200),
        epoch_finished(1, accuracy=0.9, loss=0.25, auc=0.95),
        epoch_finished(2, accuracy=0.9, loss=0.1),
        finished(best_epoch=1, best=0.9, test={"accuracy": 0.88}, seconds=2.0),
        settings={"optimizer.name": "sgd", "optimizer.lr": 0.05, "run.tags": ("x", "y")},
    )
    second_epochs = second.journal.read_text().replace('"best_epoch":2', '"best_epoch":1')
    second.journal.write_text(second_epochs)
    live = made_run(runs_dir, "20260303-101010-digits-simple-cnn-cccc", started(), settings={"training.epochs": 7})
    own(live)
    return compare([first, second, live])


def score(comparison: Comparison, name: str) -> Score:
    return next(each for each in comparison.scores if each.name == name)


def test_scores_are_those_of_the_best_epoch(comparison: Comparison) -> None:
    loss = score(comparison, "val_loss")
    assert loss.values[:2] == (0.5, 0.25)
    assert math.isnan(loss.values[2])
    assert score(comparison, "parameters").values == (100.0, 200.0, 100.0)
    assert score(comparison, "test_accuracy").values[:2] == (0.79, 0.88)
    assert [each.name for each in comparison.scores] == [
        "val_loss",
        "val_accuracy",
        "val_auc",
        "val_balanced_accuracy",
        "val_macro_f1",
        "test_accuracy",
        "epochs",
        "seconds",
        "parameters",
    ]


def test_a_difference_has_a_sign_and_a_verdict(comparison: Comparison) -> None:
    accuracy, loss = score(comparison, "val_accuracy"), score(comparison, "val_loss")
    assert (accuracy.difference_text(1, 0), accuracy.verdict(1, 0)) == ("+0.1000", 1)
    assert (accuracy.difference_text(0, 1), accuracy.verdict(0, 1)) == ("-0.1000", -1)
    assert (loss.difference_text(1, 0), loss.verdict(1, 0)) == ("-0.2500", 1)
    assert (loss.difference_text(2, 0), loss.verdict(2, 0)) == ("", 0)
    assert (loss.difference_text(0, 0), loss.verdict(0, 0)) == ("", 0)
    parameters = score(comparison, "parameters")
    assert (parameters.text(1_234_567.0), parameters.difference_text(1, 0), parameters.verdict(1, 0)) == (
        "1,234,567",
        "+100",
        0,
    )
    assert parameters.difference_text(2, 0) == "="
    assert score(comparison, "seconds").difference_text(1, 0) == "-1.0s"


def test_only_settings_that_differ_are_listed_in_the_order_of_the_file(comparison: Comparison) -> None:
    rows = {setting.path: setting for setting in comparison.settings}
    assert list(rows) == [
        "optimizer.name",
        "optimizer.lr",
        "optimizer.momentum",
        "optimizer.beta1",
        "optimizer.beta2",
        "training.epochs",
        "run.name",
        "run.tags",
    ]
    assert rows["optimizer.lr"].values == ("0.001", "0.05", "0.001")
    assert rows["optimizer.lr"].defaults == (True, False, True)
    assert rows["optimizer.name"].defaults == (True, False, True)
    assert rows["optimizer.momentum"].values == ("-", "0.9", "-")
    assert rows["optimizer.momentum"].defaults == (False, True, False)
    assert rows["run.tags"].values == ("none", "x, y", "none")
    assert rows["run.name"].values == ("a", '""', '""')


def test_what_the_machine_chose_is_a_setting_like_any(runs_dir: Path) -> None:
    runs = [finished_run(runs_dir, name) for name in ("one", "two")]
    for run, device in zip(runs, ("cpu", "cuda:0"), strict=True):
        reasons = f'[resolved]\ndevice = "{device}"\n[resolved.reasons]\ndevice = "because of {device}"\n'
        run.config.write_text(run.config.read_text() + reasons)
    assert [(each.path, each.values) for each in compare(runs).settings] == [("resolved.device", ("cpu", "cuda:0"))]


def test_a_run_that_cannot_be_read_is_said_and_the_others_are_compared(runs_dir: Path) -> None:
    runs = [finished_run(runs_dir, name, 0.7) for name in ("whole", "torn", "older", "empty")]
    runs[1].config.write_text("[run")
    runs[2].config.write_text('[run]\nname = "b"\n[optimiser]\nlr = 1\n')
    runs[3].journal.unlink()
    runs[3].config.unlink()
    comparison = compare(runs)
    assert score(comparison, "val_accuracy").values[:3] == (0.7, 0.7, 0.7)
    assert [trouble.partition(": ")[0] for trouble in comparison.troubles] == ["torn", "older", "empty"]
    assert "there is no table [optimiser]; did you mean 'optimizer'?" in comparison.troubles[1]
    names = next(each for each in comparison.settings if each.path == "run.name")
    assert names.values == ('""', "-", "b", "-")


def test_there_must_be_something_to_compare(runs_dir: Path) -> None:
    run = finished_run(runs_dir, "one")
    for runs in ([], [run], [run, run]):
        with pytest.raises(UsageError, match="name at least two runs to compare, each of them once"):
            compare(runs)


def test_another_baseline_needs_no_reading(comparison: Comparison) -> None:
    assert replace(comparison, baseline=1).scores == comparison.scores


@pytest.mark.parametrize(
    ("ids", "labels"),
    [
        (["20260301-101010-mnist-alexnet-aaaa", "20260301-101010-mnist-vgg11-bbbb"], ("alexnet", "vgg11")),
        (["20260301-101010-mnist-alexnet-aaaa", "20260302-101010-mnist-alexnet-bbbb"], ("aaaa", "bbbb")),
        (["20260301-101010-mnist-cnn-aaaa", "20260302-101010-lungs-bbbb"], ("mnist-cnn", "lungs")),
        (["20260301-101010-a-aaaa", "20260302-101010-a-aaaa"], ("20260301-101010-a-aaaa", "20260302-101010-a-aaaa")),
        (["by-hand", "20260302-101010-mnist-bbbb"], ("by-hand", "20260302-101010-mnist-bbbb")),
    ],
)
def test_labels_are_short_and_different(ids: list[str], labels: tuple[str, ...]) -> None:
    assert short_labels(ids) == labels


def test_runs_of_the_same_name_in_two_folders_are_told_apart(tmp_path: Path) -> None:
    runs = [finished_run(tmp_path / folder, "20260301-101010-a-aaaa") for folder in ("one", "two")]
    assert compare(runs).labels == tuple(str(run.path) for run in runs)
