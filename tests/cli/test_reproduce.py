"""The report's experiments through the front door, as small cuts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.run_commands import made_set
from xaitui.cli.app import run as run_command
from xaitui.hardware.gpus import read_driver
from xaitui.runs.directory import list_runs

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    made_set(tmp_path / "set.npz")
    return tmp_path


CUT = ("--dataset", "set.npz", "--epochs", "1", "--seeds", "2")


def test_a_figure_is_one_command_and_writes_its_files(folder: Path, capsys: Captured) -> None:
    assert run_command(["reproduce", "figure3", *CUT]) == 0
    output = capsys.readouterr().out
    assert "A CUT: 1 epochs instead of 15, set.npz instead of mnist" in output
    assert "model=simple-cnn  (2 seed(s))  RAN" in output
    assert "AGREES" not in output
    assert "32 training, 12 validation, 14 test images" in output
    study = folder / "runs/studies/report-figure3-set-npz-e1"
    for suffix in ("md", "csv", "png", "svg"):
        assert f"wrote  {study}/figure3.{suffix}" in output
        assert (study / f"figure3.{suffix}").stat().st_size > 500 or suffix == "csv"
    assert "xaitui" in (study / "figure3.md").read_text()
    before = {run.id: run.journal.read_bytes() for run in list_runs(study / "trials")}
    assert len(before) == 4
    assert run_command(["reproduce", "figure3", *CUT, "--out", "out"]) == 0
    assert {run.id: run.journal.read_bytes() for run in list_runs(study / "trials")} == before
    assert (folder / "out/figure3.csv").read_bytes() == (study / "figure3.csv").read_bytes()


def test_epochs_that_coincide_in_a_cut_are_one_run_in_several_rows(folder: Path, capsys: Captured) -> None:
    words = ["reproduce", "table1", "--dataset", "set.npz", "--epochs", "1", "--seeds", "1"]
    assert run_command([*words, "--dry-run"]) == 0
    assert "5 runs; of 5" in capsys.readouterr().out
    assert run_command(words) == 0
    output = capsys.readouterr().out
    for whole in (5, 10, 15, 20):
        assert f"epochs 1 (for {whole})  (1 seed(s))  RAN" in output


def test_an_experiment_takes_the_runs_of_another_that_are_the_same(folder: Path, capsys: Captured) -> None:
    assert run_command(["reproduce", "figure3", *CUT]) == 0
    assert run_command(["reproduce", "activations", *CUT]) == 0
    runs = list_runs(folder / "runs/studies/report-activations-set-npz-e1/trials")
    assert sum(run.path.is_symlink() for run in runs) == 2, "the improved network with ReLU, two seeds"


def test_all_says_what_is_missing_and_does_the_rest(folder: Path, capsys: Captured) -> None:
    assert run_command(["reproduce", "all", "--epochs", "1", "--seeds", "1", "--dry-run"]) == 3
    captured = capsys.readouterr()
    for name in ("table1", "figure3", "figure4", "figure5"):
        assert f"{name}: " in captured.err
    assert captured.err.count("is not in") == 7
    assert "the time that its 3 runs would take is not known" in captured.err
    assert not (folder / "runs").exists()


@pytest.mark.skipif(bool(read_driver().gpus), reason="there is a GPU here")
def test_what_needs_a_gpu_says_how_long_it_would_take_without(folder: Path, capsys: Captured) -> None:
    assert run_command(["reproduce", "figure5"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("xaitui: figure5 needs a GPU, and there is none here: an epoch is 89,996 images of 168 px")
    assert "images/s measured" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (["tabel1"], 2, "there is no experiment 'tabel1'; did you mean 'table1'?"),
        (["table1", "--fraction", "2"], 2, "--fraction: 2.0 is not valid"),
        (["table1", "--epochs", "-1"], 2, "--epochs: -1 is not valid"),
        (["table1", "--seeds", "0"], 2, "--seeds takes a whole number from 1 to 1000, not 0"),
        (["table1", "--dataset", "nowhere.npz"], 3, "there is no "),
        (["figure4"], 3, "pathmnist.npz is not in"),
    ],
)
def test_bad_input_is_one_line(folder: Path, capsys: Captured, words: list[str], code: int, reason: str) -> None:
    assert run_command(["reproduce", *words]) == code
    error = capsys.readouterr().err
    assert error.startswith(f"xaitui: {reason}")
    assert error.count("\n") == 1
