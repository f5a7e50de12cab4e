"""Signals at any moment of a run: it is saved, the exit code says why, and it can go on exactly."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import psutil

from tests.faults.kill import TRAIN, go, make_data, uninterrupted
from tests.file_server import Answer, FileServer
from tests.run_commands import assert_equal_weights, events_of, finish, spawn, take_up
from xaitui.catalog.datasets import DATASETS
from xaitui.catalog.records import RemoteFile
from xaitui.runs.directory import RunDirectory, list_runs
from xaitui.runs.state import State, summarise
from xaitui.system.disk import BLOCK
from xaitui.system.fault_points import Hook, Point

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


BODY = bytes(range(256)) * (3 * BLOCK // 256)
"""A file of several blocks."""


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


def downloading(argument: str) -> Hook:
    """Serve breastmnist from an address, and send signals after its first block; the argument is JSON of both."""
    url, numbers = json.loads(argument)
    file = RemoteFile("breastmnist.npz", hashlib.md5(BODY).hexdigest(), len(BODY), (url,))
    assert isinstance(DATASETS, dict)
    DATASETS["breastmnist"] = replace(DATASETS["breastmnist"], files={28: (file,)})
    return sending_at(json.dumps([Point.BLOCK_RECEIVED, file.name, 1, numbers]))


def check_download(folder: Path, kind: str, server: FileServer) -> int:
    """Signal a download, then let the same command go on; returns the exit code of the first one."""
    url = server.serve("/breastmnist", Answer(BODY, headers=(("ETag", '"one"'),)))
    words, home = ["data", "get", "breastmnist", "--data-dir", "d"], folder / "d"
    numbers = [int(number) for number in KINDS[kind][0]]
    code = go(words, folder, "tests.faults.signals:downloading", json.dumps([url, numbers]))
    assert not (home / "breastmnist.npz").exists(), f"{kind}: half a file has the name of the whole one"
    assert go(words, folder, "tests.faults.signals:downloading", json.dumps([url, []])) == 0
    assert (home / "breastmnist.npz").read_bytes() == BODY
    assert server.seen[-1].range, f"{kind}: it was begun anew"
    left = [path.name for path in home.iterdir() if path.name != "breastmnist.npz"]
    assert not left, f"{kind}: left behind: {left}"
    return code


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
