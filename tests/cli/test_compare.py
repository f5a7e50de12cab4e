from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.made_runs import finished_run, made_run
from xaitui.cli.app import run as run_command


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
    assert sum(line.startswith("val_accuracy ") for line in lines) == 15


def test_as_json(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finished_run(runs_dir, "one", 0.8)
    made_run(runs_dir, "two", settings={"optimizer.lr": 0.5})
    assert compare(runs_dir, "one", "two", "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert record.keys() == {"runs", "baseline", "scores", "settings", "troubles"}
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
