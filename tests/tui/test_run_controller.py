"""What stands between the console and its runs, without a screen: a thread, and processes of their own."""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.run_commands import made_set
from tests.tui.live_run import events_of_kind
from xaitui.config.resolve import build_config
from xaitui.config.schema import RunConfig
from xaitui.errors import UsageError
from xaitui.events import HandingOver, RequestAnswered, RunStopped
from xaitui.runs.directory import RunDirectory
from xaitui.runs.follower import RunFollower
from xaitui.runs.journal.journal import read_journal
from xaitui.runs.requests import Request, ask
from xaitui.runs.state import State, summarise
from xaitui.tui.run_controller import HAND_OVER, STOP, TERMINATED, Launch, RunController

SECONDS = 60.0
"""After which something is said to never come; nothing is measured by it."""
LOOK = 0.05
"""How long to wait for an end before the journal is looked at again."""


def config(folder: Path, **settings: object) -> RunConfig:
    """A run on a small set that is here."""
    values = {"data.dataset": str(folder / "set.npz"), "training.threads": 1, "model.name": "simple-cnn-v1"}
    return build_config(values | {name.replace("__", "."): value for name, value in settings.items()})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made_set(tmp_path / "set.npz")
    return tmp_path


def begun(
    launch: Launch, condition: Callable[[RunDirectory], object] = lambda run: run.journal.exists()
) -> RunDirectory:
    """Wait until a run has come so far; it may not be over by then."""
    while launch.run is None or not condition(launch.run):
        assert not launch.over.wait(LOOK), launch.error
    return launch.run


def ended(pid: int, seconds: float = SECONDS) -> bool:
    """Wait for the end of a process; say whether it came in time."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    ready, _, _ = select.select([descriptor], [], [], seconds)
    os.close(descriptor)
    return bool(ready)


def test_one_run_is_in_the_thread_and_more_are_in_processes(folder: Path, runs_dir: Path) -> None:
    controller = RunController(runs_dir)
    first = controller.start(config(folder, training__epochs=5000))
    with pytest.raises(UsageError, match="start this one in its own process"):
        controller.start(config(folder))
    with pytest.raises(UsageError, match="a run is going on"):
        controller.resume(RunDirectory(runs_dir / "other"))
    second = controller.start(config(folder, training__epochs=1), own_process=True)
    assert second.over.wait(SECONDS)
    assert second.error == ""
    assert second.run is not None
    run = begun(first)
    while (summary := summarise(second.run)).state is not State.FINISHED:  # it may not even have said whose it is yet
        assert summary.owner is None or summary.owner.pid != os.getpid()
        assert not first.over.wait(LOOK), f"the second run is {summary.state} still"
    assert controller.own is first
    controller.ask(STOP)
    controller.join()
    assert not controller.busy
    assert first.over.is_set()
    assert (summarise(run).state, summarise(run).why) == (State.STOPPED, "asked to stop in the console")


def test_a_run_that_cannot_begin_says_why_wherever_it_was_to_be(folder: Path, runs_dir: Path) -> None:
    controller = RunController(runs_dir)
    missing = config(folder, data__dataset=str(folder / "absent.npz"))
    for own_process in (False, True):
        launch = controller.start(missing, own_process=own_process)
        assert launch.over.wait(SECONDS)
        assert "absent.npz" in launch.error
        assert not launch.error.startswith("xaitui:")
        assert launch.run is None
    assert not runs_dir.exists()


def test_a_process_that_cannot_be_started_raises(folder: Path, runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(folder / "no-python"))
    with pytest.raises(FileNotFoundError):
        RunController(runs_dir).start(config(folder), own_process=True)


def test_a_process_that_ends_without_a_word_gives_its_code(
    folder: Path, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = folder / "python"
    python.write_text("#!/bin/sh\nexit 3\n")
    python.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(python))
    launch = RunController(runs_dir).start(config(folder), own_process=True)
    assert launch.over.wait(SECONDS)
    assert (launch.run, launch.error) == (None, "its process ended with 3")


def test_a_terminated_console_saves_and_does_not_test(folder: Path, runs_dir: Path) -> None:
    controller = RunController(runs_dir)
    launch = controller.start(config(folder, training__epochs=5000))
    run = begun(launch, lambda run: (run.path / "metrics.csv").exists())
    controller.ask(TERMINATED)
    controller.join()
    last = read_journal(run.journal)[-1]
    assert isinstance(last, RunStopped)
    assert (last.exit_code, last.saved, last.test) == (143, True, {})


def test_an_epoch_that_was_to_be_the_last_stays_the_last_when_the_run_is_handed_over(
    folder: Path, runs_dir: Path
) -> None:
    """The process that was asked takes the request, and another one is to end the epoch."""
    made_set(folder / "set.npz", images=2000)
    controller = RunController(runs_dir)
    launch = controller.start(config(folder, training__epochs=200, training__batch_size=1))
    run = begun(launch)
    ask(run.path, Request.STOP_AFTER_EPOCH)
    follower = RunFollower(run)
    begun(launch, lambda run: follower.poll() and isinstance(follower.answered, RequestAnswered))
    controller.ask(HAND_OVER)
    controller.join()
    follower.poll()
    assert isinstance(follower.end, HandingOver), "the epoch was too short to be left in the middle of it"
    pid = follower.end.pid
    while not ended(pid, LOOK):
        follower.poll()
        if follower.last_epoch is not None and follower.last_epoch.epoch > 1:  # it is found out below
            ask(run.path, Request.STOP)
    kinds = ("HandingOver", "RunResumed", "EpochFinished", "RunStopped")
    assert events_of_kind(run, *kinds) == list(kinds)
