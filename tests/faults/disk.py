"""A disk that refuses: full, over its quota, failing; at any point of a run at which something is written or read."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import random
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch

from tests.builders.events import epoch_finished, epoch_started, started, step
from tests.builders.predictions import predict, right_but
from tests.builders.runs import finished_run, made_run
from tests.run_commands import finish, logged_steps, made_set, start, take_up, weights
from xaitui.errors import XaituiError
from xaitui.events import Event, RunFailed, RunFinished
from xaitui.jobs.train.execution import Execution
from xaitui.runs.directory import RunDirectory, list_runs
from xaitui.runs.state import State, summarise
from xaitui.system.fault_points import Point, injected
from xaitui.training.checkpoint import load_checkpoint

ERRORS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EIO: "Input/output error",
    errno.EROFS: "Read-only file system",
}
"""What a disk refuses with, and the words for it."""

SETTINGS: dict[str, Any] = {
    "training__batch_size": 8,
    "training__threads": 1,
    "training__epochs": 3,
    "run__keep": "all",
}

VIEWS = ("metrics.csv", "heartbeat", "probe.npz", "epoch-")
"""Beginnings of the names of files without which a training goes on."""

_AT_WORK = frozenset(
    {Point.STEP_BEGUN, Point.STEP_DONE, Point.EVALUATION_BEGUN, Point.EVALUATION_BATCH, Point.EVALUATION_DONE}
)
"""Where nothing is written; what fails there was to be read."""

Place = tuple[Point, str]


def is_view(what: str) -> bool:
    """Whether a training goes on without the file: it only shows it, or is a memo of a data file's checksum."""
    return what.startswith(VIEWS) or re.fullmatch(r"[0-9a-f]{32}\.json", what) is not None


class Refusal:
    """A disk that refuses in the thread that made this; the first time at a visit that is wanted."""

    def __init__(self, number: int, wanted: Callable[[Point, str], bool], *, for_good: bool = False) -> None:
        """Prepare it.

        Args:
            number: of the error.
            wanted: asked at each visit until it says yes.
            for_good: whether every write is refused from then on.
        """
        self._number = number
        self.word = ERRORS[number]
        """What a user is to be told of it."""
        self._wanted = wanted
        self._for_good = for_good
        self._thread = threading.current_thread()
        self.at: Place | None = None
        """Where it has refused first."""

    def __call__(self, point: Point, what: str) -> None:
        """Refuse, or not."""
        if threading.current_thread() is not self._thread:
            return
        if self.at is None:
            if not self._wanted(point, what):
                return
            self.at = (point, what)
        elif not self._for_good or point in _AT_WORK:
            return
        raise OSError(self._number, os.strerror(self._number))


def check_refused(execution: Execution, refusal: Refusal, events: list[Event]) -> None:
    """A run that was refused something it needs has said so, and left what was good; raises AssertionError."""
    at, run, last = refusal.at, execution.run, events[-1]
    assert isinstance(last, RunFailed), f"refused at {at}: the run went on to {last}"
    assert last.exit_code == 1, f"refused at {at}: exit code {last.exit_code}"
    check_line(last.message, refusal)
    assert last.message.endswith(f": xaitui resume {run.path}"), f"refused at {at}: {last.message}"
    state = summarise(run).state
    assert state in (State.FAILED, State.INTERRUPTED), f"refused at {at}: the run is {state}"
    check_files(run, at)


def check_line(said: str, refusal: Refusal) -> None:
    """What is said of a refusal is one line that names it; raises AssertionError."""
    assert refusal.word in said, f"refused at {refusal.at}: {said}"
    assert "\n" not in said, f"refused at {refusal.at}: {said}"


def check_files(run: RunDirectory, at: object) -> None:
    """No file of a run is half there; raises AssertionError."""
    hidden = sorted(path.name for path in run.path.rglob(".*"))
    assert not hidden, f"refused at {at}: left behind: {hidden}"
    for path in run.last.parent.glob("[!e]*.pt"):  # of each epoch there is what last.pt was
        load_checkpoint(path)


def check_equal(run: RunDirectory, whole: RunDirectory) -> None:
    """A run ended as one that nothing happened to; raises AssertionError."""
    assert logged_steps(run) == logged_steps(whole), "steps are missing, or there twice"
    ours, theirs = weights(run), weights(whole)
    different = [name for name, tensor in theirs.items() if not torch.equal(ours[name], tensor)]
    assert not different, f"other weights: {different}"
    rows = [path.read_text().count("\n") for path in (run.metrics, whole.metrics)]
    assert rows[0] == rows[1], f"{rows[0]} lines of metrics.csv instead of {rows[1]}"


@dataclass(frozen=True)
class Whole:
    """A run of these settings that nothing happened to."""

    run: RunDirectory
    places: tuple[Place, ...]
    """The points of its own thread, in the order in which they were first visited."""
    folder: TemporaryDirectory[str]


@cache
def whole_run() -> Whole:
    """Carry it out, once in a process."""
    thread, seen = threading.current_thread(), dict[Place, None]()

    def look(point: Point, what: str) -> None:
        if threading.current_thread() is thread:
            seen.setdefault((point, what))

    folder = TemporaryDirectory(prefix="disk-")
    with injected(look):
        execution = begin(Path(folder.name))
        events = finish(execution)
    assert isinstance(events[-1], RunFinished)
    return Whole(execution.run, tuple(seen), folder)


def begin(folder: Path, **settings: Any) -> Execution:
    """A run of these settings, or of some others that do not change its weights, ready for its first step."""
    data = folder / "set.npz"
    settings = {"data__dataset": str(data if data.exists() else made_set(data)), **SETTINGS, **settings}
    return start(folder / "runs", **settings)


def one_round(seed: int, folder: Path) -> None:
    """A run that is refused something at random points, and resumed until it is finished."""
    draw, whole = random.Random(seed), whole_run().run
    run: RunDirectory | None = None
    for number in draw.choices(list(ERRORS), k=draw.randint(1, 4)):
        visit, for_good = draw.randint(1, 150), draw.random() < 0.5
        with injected(refusal := Refusal(number, nth(visit), for_good=for_good)):
            try:
                execution = begin(folder) if run is None else take_up(run)
                events = finish(execution)
            except XaituiError as error:
                check_not_begun(folder / "runs", run, refusal, str(error))
                continue
        run = execution.run
        if isinstance(events[-1], RunFinished):
            assert refusal.at is None or is_view(refusal.at[1]), f"refused at {refusal.at}: it went on"
            break
        check_refused(execution, refusal, events)
    else:
        execution = begin(folder) if run is None else take_up(run)
        assert isinstance(finish(execution)[-1], RunFinished), "it does not come to its end"
    check_equal(execution.run, whole)


def nth(visit: int) -> Callable[[Point, str], bool]:
    """Wants the visit of that number, counted from 1."""
    numbers = itertools.count(1)
    return lambda point, what: next(numbers) == visit


def check_not_begun(runs_dir: Path, run: RunDirectory | None, refusal: Refusal, said: str) -> None:
    """A run that could not begin has left nothing, or what there was; raises AssertionError."""
    assert refusal.at is not None, f"nothing was refused, and yet: {said}"
    check_line(said, refusal)
    if run is None:
        assert not list_runs(runs_dir), f"refused at {refusal.at}: a run is left that never began"
    else:
        check_files(run, refusal.at)


@contextlib.contextmanager
def mounted(folder: Path, megabytes: int) -> Iterator[None]:
    """A file system of that size in the place of an empty folder."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a file system cannot be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


NEWER, OLDER = "20260302-101010-digits-bbbb", "20260301-101010-digits-aaaa"


def fill_folder(runs_dir: Path) -> None:
    """Two runs, the newer one with predictions."""
    events = (started(), epoch_started(1), step(5), step(10), epoch_finished(1, accuracy=0.8))
    predict(made_run(runs_dir, NEWER, *events), right_but(2, 10), "test")
    finished_run(runs_dir, OLDER, 0.9)


@contextlib.contextmanager
def read_only_disk(folder: Path) -> Iterator[Path]:
    """A folder of those runs that nobody can write, a user included who may write everywhere else."""
    folder.mkdir()
    with mounted(folder, 4):
        fill_folder(folder / "runs")
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        yield folder / "runs"
