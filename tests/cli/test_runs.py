from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders.events import started
from tests.builders.runs import finished_run, made_run, own
from xaitui.cli.app import run as run_command


@pytest.fixture
def folder(runs_dir: Path) -> Path:
    finished_run(runs_dir, "20260301-101010-digits-aaaa", 0.9, at=1.0, settings={"optimizer.lr": 0.01})
    finished_run(runs_dir, "20260302-101010-mnist-bbbb", 0.8, at=2.0, dataset="mnist")
    own(made_run(runs_dir, "20260101-101010-live-cccc", started(), at=0.5))
    (runs_dir / "20260401-\x1b[31mbroken").mkdir()
    return runs_dir


def listed(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert run_command(["runs", "ls", "--runs-dir", str(folder), *words]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return [line[40:].split("-")[-1] for line in captured.out.splitlines()[1:]]


def test_live_runs_come_first_and_what_is_broken_last(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = listed(folder, capsys)
    assert names[:3] == ["cccc", "bbbb", "aaaa"]
    assert names[3] == "\\x1b[31mbroken (it has neither a configuration nor a journal)"


def test_a_filter_and_an_order(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert listed(folder, capsys, "--filter", "state:finished val_acc>0.85") == ["aaaa"]
    assert listed(folder, capsys, "--filter", "optimizer.lr=0.01") == ["aaaa"]
    assert listed(folder, capsys, "--filter", "-state:broken", "--sort", "best") == ["aaaa", "bbbb", "cccc"]
    assert listed(folder, capsys, "--filter", "finished", "--sort", "best", "--reverse") == ["bbbb", "aaaa"]


def test_rows_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["runs", "ls", "--runs-dir", str(folder), "--json", "--filter", "mnist"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["id"], record["dataset"], record["best"]) == ("20260302-101010-mnist-bbbb", "mnist", 0.8)
    assert record["test"]["accuracy"] == pytest.approx(0.79)
    assert record["eta"] is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--filter", "stat:x"], "xaitui: a run has no 'stat'; did you mean 'state'?\n"),
        (["--sort", "bset"], "xaitui: runs cannot be sorted by 'bset'; did you mean 'best'?\n"),
    ],
)
def test_what_is_wrong_is_one_line(
    words: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["runs", "ls", "--runs-dir", str(folder), *words]) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", message)


def test_that_nothing_passes_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["runs", "ls", "--runs-dir", str(folder), "--filter", "nothing"]) == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "none of 4 runs passes the filter nothing\n")
