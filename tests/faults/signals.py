"""Signals at any moment of a run: it is saved, the exit code says why, and it can go on exactly."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
from collections.abc import Sequence
from pathlib import Path

import psutil

from tests.faults.kill import TRAIN, go, make_data, uninterrupted
from tests.runs_for_tests import assert_equal_weights, events_of, finish, spawn, take_up
from xaitui.faults import Hook, Point
from xaitui.runs.directory import RunDirectory, list_runs
from xaitui.runs.summary import State, summarise

Signals = Sequence[signal.Signals]

KINDS: dict[str, tuple[Signals, int]] = {
    "interrupt": ((signal.SIGINT,), 130),
    "interrupt twice": ((signal.SIGINT, signal.SIGINT), 130),
    "terminate": ((signal.SIGTERM,), 143),
    "time is up": ((signal.SIGUSR1,), 75),
    "hang up": ((signal.SIGHUP,), 0),
    "hang up, then terminate": ((signal.SIGHUP, signal.SIGTERM), 143),
}
"""What is sent, and the exit code it leads to; a lost line is nothing to a run without a screen."""

MOMENTS: dict[str, tuple[Point, str, int]] = {
    "before the first step": (Point.LINE_SYNCED, "RunStarted", 0),
    "step": (Point.STEP_BEGUN, "", 4),
    "evaluation": (Point.EVALUATION_BATCH, "", 0),
    "checkpoint": (Point.FILE_WRITTEN, "last.pt", 0),
    "end of an epoch": (Point.LINE_BEGUN, "EpochFinished", 0),
    "test of the best weights": (Point.FILE_OPENED, "val.npz", 0),
}
"""Point, what is written there, and how many times before."""


def sending_at(argument: str) -> Hook:
    """Send signals to this process at a point; the argument is JSON: name, what is written, times before, signals."""
    name, what, left, numbers = json.loads(argument)

    def hook(point: Point, written: str) -> None:
        nonlocal left
        if (point, written) == (name, what):
            left -= 1
            if left == -1:
                for number in numbers:
                    os.kill(os.getpid(), number)

    return hook


def signalled(folder: Path, kind: str, moment: str) -> tuple[RunDirectory, int]:
    """A run that gets signals at a moment, and its exit code; `set.npz` is in the folder."""
    argument = json.dumps([*MOMENTS[moment], [int(number) for number in KINDS[kind][0]]])
    code = go([*TRAIN, "--runs-dir", "runs"], folder, "tests.faults.signals:sending_at", argument)
    return list_runs(folder / "runs")[0], code


def assert_saved(run: RunDirectory, kind: str, code: int) -> None:
    """The exit code is that of the signal, all files are whole, no process is left, and the run goes on exactly."""
    expected = KINDS[kind][1]
    # At the very end there is nothing to be stopped any more.
    assert code in (expected, 0), f"{kind}: exit code {code} instead of {expected}"
    assert summarise(run).state is (State.FINISHED if code == 0 else State.STOPPED)
    left = [path.name for path in run.path.rglob(".*")]
    assert not left, f"half a file: {left}"
    orphans = [each.pid for each in psutil.process_iter(["cmdline"]) if str(run.path) in (each.info["cmdline"] or ())]
    assert not orphans, f"processes {orphans} are left"
    if code:
        with contextlib.chdir(run.path.parent.parent):  # its data is named from there
            finish(take_up(run))
    assert_equal_weights(run, uninterrupted())


def one_round(seed: int, folder: Path) -> None:
    """Send signals from outside, after some of a run's events."""
    draw = random.Random(seed)
    make_data(folder)
    kind, left = draw.choice(list(KINDS)), draw.randrange(40)
    with spawn([*TRAIN, "--runs-dir", "runs"], folder) as process:
        for _ in events_of(process):
            left -= 1
            if left == -1:
                for number in KINDS[kind][0]:
                    process.send_signal(number)
        code = process.wait()
    assert_saved(list_runs(folder / "runs")[0], kind, code)
