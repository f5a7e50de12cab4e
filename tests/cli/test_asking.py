"""The commands that ask something of a run, and those that open the console on one."""

from __future__ import annotations

import os
import pty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.builders.events import started, step
from tests.builders.runs import finished_run, made_run, own
from xaitui.cli.app import run
from xaitui.console_options import ConsoleOptions, First
from xaitui.jobs.train.resume_options import ResumeOptions
from xaitui.runs.directory import RunDirectory
from xaitui.runs.requests import Request, take


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("line", "request_", "says"),
    [
        ("stop", Request.STOP, "asked live to stop; follow it with: xaitui attach live\n"),
        ("stop --after-epoch", Request.STOP_AFTER_EPOCH, "asked live to stop after this epoch; follow it"),
        ("pause live", Request.PAUSE, "asked live to pause; let it go on with: xaitui continue live\n"),
        ("continue", Request.CONTINUE, "asked live to go on\n"),
        ("save", Request.SAVE, "asked live to "),
    ],
)
def test_a_live_run_is_asked(
    line: str, request_: Request, says: str, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    live = made_run(runs_dir, "live", started(), step(1))
    own(live)
    assert run(line.split()) == 0
    assert capsys.readouterr().out.startswith(says)
    assert list(take(live.path)) == [request_]


@pytest.mark.parametrize("word", ["stop", "pause", "continue", "save"])
def test_a_run_that_is_over_is_not_asked(word: str, runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    over = finished_run(runs_dir, "over")
    assert run([word]) == 2
    assert capsys.readouterr().err == "xaitui: over is not running: it is finished (all 2 epochs done)\n"
    assert list(take(over.path)) == []
    assert run([word, "ovre"]) == 2
    assert "there is no run 'ovre'" in capsys.readouterr().err


class Recorder:
    """A console that notes what it is opened on."""

    def __init__(self) -> None:
        self.options: ConsoleOptions | None = None
        self.asked: list[Any] = []

    def __call__(self, options: ConsoleOptions, first: First) -> int:
        self.options = options
        first(self)
        return 7

    def start_run(self, config: Any, own_process: bool = False) -> None:
        self.asked.append(("start", config.training.epochs))

    def resume_run(self, run: RunDirectory, options: ResumeOptions) -> None:
        self.asked.append(("resume", run.id, options.extend))

    def open_run(self, run: RunDirectory) -> None:
        self.asked.append(("open", run.id))

    def open_gpu(self) -> None:
        self.asked.append(("gpu",))


@contextmanager
def terminal(kind: str = "xterm-256color") -> Iterator[None]:
    """A real one, in the place of stdin and stderr."""
    master, slave = pty.openpty()
    with (
        open(slave, closefd=False) as stdin,
        open(slave, "w", closefd=False) as stderr,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("TERM", kind)
        patch.setattr("sys.stdin", stdin)
        patch.setattr("sys.stderr", stderr)
        yield
    os.close(slave)
    os.close(master)


OPENINGS: dict[str, list[Any]] = {
    "attach": [("open", "over")],
    "attach over --readonly": [("open", "over")],
    "resume over --epochs +2": [("resume", "over", 2)],
    "train --epochs 3": [("start", 3)],
    "console": [],
}


@pytest.mark.parametrize("line", OPENINGS)
def test_on_a_terminal_the_console_is_opened(line: str, runs_dir: Path) -> None:
    finished_run(runs_dir, "over")
    console = Recorder()
    with terminal():
        assert run(line.split(), console) == 7
    assert console.asked == OPENINGS[line]
    assert console.options is not None
    assert console.options.readonly is ("--readonly" in line)
    assert console.options.runs_dir.absolute() == runs_dir


@pytest.mark.parametrize("line", ["attach --plain", "attach --json"])
def test_text_is_for_the_asking(line: str, runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finished_run(runs_dir, "over")
    console = Recorder()
    with terminal():
        assert run(line.split(), console) == 0
    assert console.options is None
    assert capsys.readouterr().out.count("\n") >= 4


def test_a_dumb_terminal_is_none(runs_dir: Path) -> None:
    finished_run(runs_dir, "over")
    console = Recorder()
    with terminal("dumb"):
        assert run(["attach"], console) == 0
        assert run(["train"], console) == 2
    assert console.options is None


def test_without_a_terminal_train_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train"], Recorder()) == 2
    assert "xaitui train --headless" in capsys.readouterr().err
