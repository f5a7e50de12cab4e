from __future__ import annotations

import csv
import io
import json
import math
import subprocess
from pathlib import Path

import pytest

from tests.builders.events import epoch_finished, started
from tests.builders.predictions import predict, right_but
from tests.builders.runs import finished_run, made_run
from tests.builders.studies import ended_trial, made_study
from tests.run_commands import command, environment, finish, start
from xaitui.cli.app import run as run_command
from xaitui.runs.find import find_runs
from xaitui.runs.listing import comparison
from xaitui.studies.trials import plan


def compare(runs_dir: Path, *words: str) -> int:
    return run_command(["compare", *words, "--runs-dir", str(runs_dir)])


def test_two_runs_beside_each_other(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finished_run(runs_dir, "20260301-101010-digits-aaaa", 0.8)
    finished_run(runs_dir, "20260302-101010-digits-bbbb", 0.9, settings={"optimizer.lr": 0.01, "run.name": "b"})
    assert compare(runs_dir, "aaaa", "bbbb") == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[:2] == [
        "A  20260301-101010-digits-aaaa  finished  (baseline)",
        "B  20260302-101010-digits-bbbb  finished",
    ]
    assert "val_accuracy           0.8000            0.9000 +0.1000 ^" in lines
    assert "optimizer.lr           A 0.001*;  B 0.01" in lines
    assert 'run.name               A ""*;  B b' in lines
    assert captured.err == ""


def test_another_baseline(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, accuracy in (("one", 0.8), ("two", 0.9), ("three", 0.7)):
        finished_run(runs_dir, name, accuracy)
    assert compare(runs_dir, "one", "two", "--baseline", "two") == 0
    assert "val_accuracy           0.9000            0.8000 -0.1000 v" in capsys.readouterr().out
    assert compare(runs_dir, "one", "two", "--baseline", "three") == 2
    assert capsys.readouterr().err.startswith("xaitui: the baseline three is none of the runs that are compared")


def test_many_runs_stay_within_80_columns(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"run{number:02}" for number in range(30)]
    for number, name in enumerate(names):
        settings = {"training.seed": number % 3, "run.note": f"{'long words ' * 12}{number}"}
        finished_run(runs_dir, name, number / 30, settings=settings)
    assert compare(runs_dir, *names) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) < 80
    assert lines[29] == "AD  run29  finished"
    assert any(line.startswith("training.seed          A,D,G,J,M,P,S,V,Y,AB 0*;  B,E,H,") for line in lines)
    assert sum(line.startswith("val_accuracy ") for line in lines) == 1, "of many runs the means over seeds alone"
    assert "S1  seeds 0, 1, 2: A, B, C" in lines


def test_trials_are_called_by_what_they_try(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = made_study(runs_dir, seeds=2)
    for trial, accuracy in zip(plan(folder.read()), (0.5, 0.6, 0.7, 0.8), strict=True):
        ended_trial(folder, trial, accuracy)
    assert compare(runs_dir, "study:rates") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[-1] for line in lines[1:4]] == ["lr=0.01 seed=0", "baseline seed=1", "lr=0.01 seed=1"]
    assert lines[0].endswith("finished  baseline seed=0  (baseline)")
    assert comparison.compare(find_runs(["study:rates"], runs_dir)).labels[1] == "lr=0.01 seed=0"


def test_as_json(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finished_run(runs_dir, "one", 0.8)
    made_run(runs_dir, "two", settings={"optimizer.lr": 0.5})
    assert compare(runs_dir, "one", "two", "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert record.keys() == {"runs", "baseline", "scores", "settings", "groups", "tests", "troubles"}
    assert record["baseline"] == "one"
    accuracy = next(each for each in record["scores"] if each["name"] == "val_accuracy")
    assert accuracy == {"name": "val_accuracy", "better": "max", "values": [0.8, None], "differences": [0.0, None]}
    assert record["settings"] == [{"path": "optimizer.lr", "values": ["0.001", "0.5"], "defaults": [True, False]}]


def test_what_is_wrong_is_one_line(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finished_run(runs_dir, "one")
    for words, message in {
        ("one",): "xaitui: name at least two runs to compare, each of them once",
        ("one", "one"): "xaitui: name at least two runs to compare, each of them once",
        ("one", "tow"): "xaitui: there is no run 'tow'",
    }.items():
        assert compare(runs_dir, *words) == 2
        captured = capsys.readouterr()
        assert (captured.out, captured.err.count("\n")) == ("", 1)
        assert captured.err.startswith(message)


def test_what_stands_in_files_cannot_forge_the_terminal(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finished_run(runs_dir, "one\x1b[31m")
    finished_run(runs_dir, "two").config.write_text("[run\x1b[31m")
    assert compare(runs_dir, "one\x1b[31m", "two") == 0
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err
    assert captured.err.startswith("two: config.toml is no TOML")


def four_runs(runs_dir: Path) -> None:
    """Two settings with two seeds each, of a set whose validation images are the same for every seed."""
    for lr, seed, wrong in ((0.1, 0, 40), (0.1, 1, 44), (0.2, 0, 10), (0.2, 1, 12)):
        settings = {"data.dataset": "breastmnist", "optimizer.lr": lr, "training.seed": seed}
        predict(finished_run(runs_dir, f"{lr}-{seed}", 1 - wrong / 200, settings=settings), right_but(wrong))


def test_means_over_seeds_and_whether_runs_differ(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    four_runs(runs_dir)
    assert compare(runs_dir, "*") == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) < 80
    groups = lines[lines.index("OVER SEEDS (mean +- standard deviation)") :]
    assert groups[1:3] == ["S1  lr=0.1  seeds 0, 1: A, B", "S2  lr=0.2  seeds 0, 1: C, D"]
    assert "val_accuracy           0.7900 +-0.0141   0.9450 +-0.0071 ^" in groups
    title = "DIFFERENT AT ALL? (accuracy on val, 95 % interval; McNemar's test, p by Holm)"
    verdicts = " ".join(" ".join(lines[lines.index(title) + 1 :]).split())
    assert "B not distinguishable from A: -0.0200 [" in verdicts
    assert "C better than A: +0.1500 [+0.1" in verdicts
    assert "30:0 of 200 images, p < 0.0001" in verdicts


def test_why_runs_are_not_tested(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in (0, 1, 2):
        predict(finished_run(runs_dir, str(seed), settings={"training.seed": seed}), right_but(3))
    finished_run(runs_dir, "none")
    assert compare(runs_dir, "0", "1", "2", "none") == 0
    out = capsys.readouterr().out
    assert out.endswith(
        "not tested: B, C (seeds cut different validation images)\nnot tested: D (it has no val predictions)\n"
    )
    assert compare(runs_dir, "0", "1", "--split", "test") == 0
    assert "not tested: B (it has no test predictions)" in capsys.readouterr().out
    assert compare(runs_dir, "0", "1", "--split", "train") == 2
    assert capsys.readouterr().err.startswith("xaitui: there are no predictions of 'train'; choose one of val, test")


def test_groups_and_tests_as_json(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    four_runs(runs_dir)
    predict(finished_run(runs_dir, "other"), right_but(3))
    assert compare(runs_dir, "0.*", "other", "--baseline", "0.2-0", "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert [(each["label"], each["seeds"]) for each in record["groups"]][:2] == [
        ("dataset=breastmnist, lr=0.1", ["0", "1"]),
        ("dataset=breastmnist, lr=0.2", ["0", "1"]),
    ]
    accuracy = record["groups"][0]["scores"]["val_accuracy"]
    assert (accuracy["n"], accuracy["mean"], accuracy["sd"]) == pytest.approx((2, 0.79, math.sqrt(0.0002)))
    assert record["groups"][0]["differences"]["val_accuracy"]["mean"] == pytest.approx(-0.155)
    assert [(pair["run"], pair["verdict"]) for pair in record["tests"]["pairs"]] == [
        ("0.1-0", "worse"),
        ("0.1-1", "worse"),
        ("0.2-1", "not distinguishable"),
    ]
    assert record["tests"]["untested"] == [{"run": "other", "why": "they are of different datasets"}]


def test_as_csv(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    four_runs(runs_dir)
    made_run(runs_dir, "begun", settings={"data.dataset": "breastmnist"})
    assert compare(runs_dir, "0.1-0", "begun", "--csv") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["run"], row["state"], row["val_accuracy"], row["optimizer.lr"]) for row in rows] == [
        ("0.1-0", "finished", "0.8", "0.1"),
        ("begun", "interrupted", "", "0.001"),
    ]


def test_as_markdown(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    four_runs(runs_dir)
    assert compare(runs_dir, "*", "--markdown") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("#")] == [
        "### Runs",
        "### Over seeds (mean +- standard deviation)",
        "### Different at all? (val)",
        r"### Settings that differ (\* is the default)",
    ]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert ["lr=0.2", "2", "0.5000 +-0.0000", "0.9450 +-0.0071 better"] in [row[:4] for row in cells]
    assert ["optimizer.lr", "0.1", "0.1", "0.2", "0.2"] in cells
    assert any(row[1] == "better" for row in cells)


def test_curves_are_drawn_with_what_the_output_takes(runs_dir: Path) -> None:
    for name in ("one", "two"):
        made_run(runs_dir, name, started(), epoch_finished(1, loss=0.9), epoch_finished(2, loss=0.5, accuracy=0.9))
    for encoding, colours in (("ascii", False), ("utf-8", False), ("utf-8", True)):
        coloured = {"FORCE_COLOR": "1", "TERM": "xterm-256color", "NO_COLOR": ""} if colours else {}
        done = subprocess.run(
            command("compare", "one", "two", "--curves", "--runs-dir", str(runs_dir)),
            capture_output=True,
            env=environment() | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", **coloured},
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        out = done.stdout.decode(encoding)
        assert "val_loss" in out
        assert "val_accuracy " in out
        assert "A one" in out
        assert (max(out) >= "\u2800") == colours, "without colours lines are told apart by letters"
        assert ("  + B two" in out) != colours


def test_one_output_at_a_time(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    four_runs(runs_dir)
    assert compare(runs_dir, "*", "--csv", "--json") == 2
    assert capsys.readouterr().err.startswith("xaitui: --curves, --csv, --markdown and --json are different outputs")


def test_trials_of_a_study_are_runs(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    four_runs(runs_dir / "studies/rates/trials")
    assert compare(runs_dir, "study:rates", "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert [each["id"] for each in record["runs"]] == ["0.1-0", "0.1-1", "0.2-0", "0.2-1"]
    assert compare(runs_dir, "study:rate") == 2
    assert "did you mean 'rates'?" in capsys.readouterr().err


def test_runs_that_kept_maps_are_told_whether_they_look_at_the_same_places(
    runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, activation in (("relu", "relu"), ("leaky", "leaky-relu")):
        execution = start(
            runs_dir, run__name=name, model__activation=activation, data__fraction=0.2, training__epochs=1
        )
        finish(execution)
    assert compare(runs_dir, "relu", "leaky") == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) < 80
    row = next(line.split() for line in lines if line.startswith("maps_rank_corr "))
    assert row[1] == "-"
    assert -1 <= float(row[2]) < 1
    assert "maps_rank_corr: rank correlation of Grad-CAM with the baseline's" in lines
    assert compare(runs_dir, "relu", "leaky", "--json") == 0
    scores = {score["name"]: score["values"] for score in json.loads(capsys.readouterr().out)["scores"]}
    assert scores["maps_rank_corr"] == [None, pytest.approx(float(row[2]), abs=1e-4)]
