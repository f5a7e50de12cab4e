"""What is said of a reproduced row follows from a rule, and every number from runs."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.builders.studies import ended_trial
from tests.shared_data import shared_file
from xaitui.catalog.experiments import EXPERIMENTS, Claim
from xaitui.errors import UsageError
from xaitui.metrics.statistics import PairedDifference
from xaitui.report.reproduction import Reproduction, claim_lines, claim_verdict, gather, table_of
from xaitui.report.reproduction_files import write_reproduction
from xaitui.studies.folder import create_study
from xaitui.studies.reproduction import ALL, Cut, cut_words, find_experiments, study_of
from xaitui.studies.status import StudyReader
from xaitui.studies.trials import Trial, plan

WHOLE = Cut()


def made(runs_dir: Path, name: str, accuracy: dict[str, list[float]], cut: Cut = WHOLE, seeds: int = 2) -> Reproduction:
    """An experiment whose finished trials, by their label, reached these validation accuracies."""
    experiment = EXPERIMENTS[name]
    studies = [study_of(experiment, part, cut, seeds, {}) for part in experiment.parts]
    standings = []
    for study in studies:
        folder = create_study(study, runs_dir)
        for trial in plan(study):
            values = accuracy.get(trial.label, [])
            if trial.seed < len(values):
                ended_trial(folder, trial, values[trial.seed])
        standings.append(StudyReader(folder).read())
    return gather(experiment, cut, cut_words(experiment, cut), standings)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_has_trials_that_can_be(name: str) -> None:
    experiment = EXPERIMENTS[name]
    trials: list[Trial] = []
    for part in experiment.parts:
        study = study_of(experiment, part, WHOLE, 3, {})
        assert study.tested == "all", "nothing is chosen, and each row has its test score"
        assert all(objective.name.startswith("val_") for objective in study.objectives)
        trials += plan(study)
    counts = {"table1": 24, "variants": 54, "figure3": 6, "figure4": 9, "activations": 6, "figure5": 12, "models": 9}
    assert len(trials) == counts[name]
    assert len(EXPERIMENTS) == len(counts)


def test_all_of_them_or_the_one_that_is_named() -> None:
    assert [each.name for each in find_experiments(ALL)] == list(EXPERIMENTS)
    with pytest.raises(UsageError, match="there is no experiment 'tabel1'; did you mean 'table1'"):
        find_experiments("tabel1")


def test_the_numbers_are_those_that_the_report_prints() -> None:
    report = shared_file("..", "report.txt")
    rows = {line.strip() for line in report.read_text().splitlines()}
    for printed in EXPERIMENTS["table1"].printed:
        assert f"{printed.value}\t{printed.train}\t{printed.validation}" in rows
    assert len(EXPERIMENTS["table1"].printed) == 10


def test_a_row_agrees_within_the_tolerance_and_differs_beyond_it(runs_dir: Path) -> None:
    # made epochs have a train accuracy of their own: only the rows whose report is near it can agree
    found = made(runs_dir, "table1", {"baseline": [0.989, 0.988], "lr=0.1": [0.1, 0.1]})
    rows = {row.label: row for row in found.rows}
    assert list(rows) == [
        "lr 0.001",
        "lr 0.01",
        "lr 0.1",
        "batch size 16",
        "batch size 32",
        "batch size 64",
        "epochs 5",
        "epochs 10",
        "epochs 15",
        "epochs 20",
    ]
    assert rows["lr 0.001"].averages == rows["batch size 32"].averages == rows["epochs 15"].averages
    assert rows["lr 0.001"].averages.val_last.mean == pytest.approx(98.85)
    assert rows["lr 0.001"].finished == rows["lr 0.001"].expected == 2
    assert rows["lr 0.01"].verdict == "not run"
    assert rows["lr 0.1"].verdict == "differs"
    cells = table_of(found).rows[2]
    assert cells[0] == "lr 0.1"
    assert cells[-3:] == ["10.3", "10.0", "differs"]
    assert table_of(found).rows[1][2:8] == ["-"] * 6, "never a number that was not computed"


@pytest.mark.parametrize(
    ("train", "val", "verdict"),
    [(0.996, 0.989, "agrees"), (0.992, 0.985, "agrees"), (0.990, 0.989, "differs"), (0.996, 0.983, "differs")],
)
def test_both_numbers_decide(runs_dir: Path, train: float, val: float, verdict: str) -> None:
    experiment = EXPERIMENTS["table1"]
    study = study_of(experiment, experiment.parts[0], WHOLE, 1, {})
    folder = create_study(study, runs_dir)
    ended_trial(folder, plan(study)[0], val, train=train)
    found = gather(experiment, WHOLE, "", [StudyReader(folder).read()])
    assert found.rows[0].verdict == verdict


def test_a_cut_only_ran(runs_dir: Path) -> None:
    cut = Cut(fraction=0.05, epochs=3)
    found = made(runs_dir, "table1", {"baseline": [0.989, 0.988]}, cut)
    assert found.cut == "A CUT: 5 % of the training images, 3 epochs instead of 15"
    assert {row.verdict for row in found.rows} == {"ran", "not run"}
    epochs = ["epochs 1 (for 5)", "epochs 2 (for 10)", "epochs 3 (for 15)", "epochs 4 (for 20)"]
    assert [row.label for row in found.rows][-4:] == epochs
    paths = write_reproduction(found, runs_dir / "out", "xaitui reproduce table1")
    text = paths[0].read_text()
    assert "**A CUT: 5 % of the training images, 3 epochs instead of 15.**" in text
    assert "agrees" not in text.partition("Rule:")[0]
    assert "A CUT" in paths[3].read_text(), "the figure says it too"
    assert [path.suffix for path in paths] == [".md", ".csv", ".png", ".svg"]
    assert "Not complete" in text


BETTER, ALIKE = (Claim("a", {}, {}, kind) for kind in ("better", "alike"))


@pytest.mark.parametrize(
    ("claim", "mean", "low", "high", "verdict"),
    [
        (BETTER, 1.0, 0.1, 1.9, "agrees"),
        (BETTER, 1.0, -0.1, 2.1, "not comparable"),
        (BETTER, -1.0, -1.9, -0.1, "differs"),
        (BETTER, 1.0, math.nan, math.nan, "not comparable"),
        (ALIKE, 1.0, -0.1, 2.1, "agrees"),
        (ALIKE, 0.2, 0.1, 0.3, "agrees"),
        (ALIKE, 1.0, 0.1, 1.9, "differs"),
        (ALIKE, 0.0, math.nan, math.nan, "not comparable"),
    ],
)
def test_a_claim_is_judged_by_its_interval(claim: Claim, mean: float, low: float, high: float, verdict: str) -> None:
    assert claim_verdict(claim, PairedDifference(3, mean, low, high)) == verdict


def test_a_claim_is_of_runs_that_are_paired_by_seed(runs_dir: Path) -> None:
    found = made(runs_dir, "figure3", {"baseline": [0.98, 0.97], "model=simple-cnn": [0.99, 0.98]})
    assert claim_lines(found)[0].startswith(
        "the improved network is better than the initial one: agrees (difference +1.00 percentage points over 2 seeds"
    )
    assert [series.label for series in found.curves] == ["model=simple-cnn-v1", "model=simple-cnn"]


def test_variants_stand_beside_the_rows_of_their_learning_rate(runs_dir: Path) -> None:
    found = made(runs_dir, "variants", {"lr=0.1": [0.1]}, seeds=1)
    ran = [row for row in found.rows if row.verdict != "not run"]
    assert [(row.label, row.printed.validation if row.printed else None) for row in ran] == [
        ("lr=0.1 plain-sgd", 10.0),
        ("lr=0.1 softmax", 10.0),
    ]


def test_switches_are_named_without_true_and_false(runs_dir: Path) -> None:
    found = made(runs_dir, "figure4", {"baseline": [0.5]})
    assert [row.label for row in found.rows] == ["batch-norm dropout", "no-batch-norm dropout", "batch-norm no-dropout"]
