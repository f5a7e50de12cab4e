"""SIGKILL at any moment: what a run leaves behind can be read, and it goes on as if nobody had killed it."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path

from tests.run_commands import assert_equal_weights, events_of, kept_folder, logged_steps, made_set, spawn
from xaitui.config.toml import from_toml
from xaitui.events import EpochFinished, RunFinished
from xaitui.runs.directory import RunDirectory, list_runs
from xaitui.runs.journal.journal import JournalReader, read_journal
from xaitui.runs.state import State, summarise
from xaitui.system.fault_points import Hook, Point
from xaitui.training.checkpoint import load_checkpoint

EPOCHS, STEPS = 2, 2 * 10
TRAIN = (
    *("train", "--headless", "--json", "--dataset", "set.npz", "--batch-size", "8", "--epochs", str(EPOCHS)),
    *("--rotate", "10", "--ema-decay", "0.9", "--schedule", "cosine", "--warmup-epochs", "0.5", "--save-every", "0.01"),
    *("--threads", "1"),
)
"""A run of everything that an exact resume has to bring back, in a folder where `set.npz` is."""
MOST_KILLS = 6
"""Of one random round."""

Kill = Callable[[Sequence[str]], int]
"""Carries out a command line, kills its process at some moment, and returns its exit code."""


def make_data(folder: Path) -> None:
    """The set that TRAIN trains on."""
    made_set(folder / "set.npz", images=STEPS // EPOCHS * 8)


@cache
def uninterrupted() -> RunDirectory:
    """The run that nobody kills."""
    folder = kept_folder("whole")
    make_data(folder)
    assert go([*TRAIN, "--runs-dir", "runs"], folder) == 0
    return list_runs(folder / "runs")[0]


def go(words: Sequence[str], folder: Path, hook: str = "", argument: str = "") -> int:
    """A process from its start to its end; `hook` makes what is called at the points of it."""
    with spawn(words, folder, hook=hook, argument=argument) as process:
        process.communicate()
        return process.wait()


def die() -> None:
    """End this process as the kernel does when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


def killing_at(argument: str) -> Hook:
    """Die where a point is reached; the argument is JSON: its name, what is written there, how many times before."""
    name, what, times = json.loads(argument)
    left = times

    def hook(point: Point, written: str) -> None:
        nonlocal left
        if (point, written) == (name, what):
            left -= 1
            if left < 0:
                die()

    return hook


def killing_after(argument: str) -> Hook:
    """Die at a point that is told by its number."""
    left = int(argument)

    def hook(point: Point, written: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            die()

    return hook


def noting(argument: str) -> Hook:
    """Write down which points are reached, in a file that is named."""
    seen: set[tuple[Point, str]] = set()

    def hook(point: Point, written: str) -> None:
        if (point, written) not in seen:
            seen.add((point, written))
            with Path(argument).open("a") as file:
                file.write(json.dumps([point, written]) + "\n")

    return hook


def assert_all_can_be_read(run: RunDirectory) -> None:
    """Whatever there is of a run that was killed is whole; the last line of its journal may be torn."""
    if run.config.exists():
        from_toml(run.config.read_text())
    for path in (run.environment, run.preprocessing):
        if path.exists():
            json.loads(path.read_text())
    for path in (run.path / "checkpoints").glob("[!.]*"):
        load_checkpoint(path)
    if run.journal.exists():
        reader = JournalReader(run.journal)
        reader.poll()
        assert reader.damage == []
    state, last = summarise(run).state, read_journal(run.journal)[-1:]
    if last and isinstance(last[0], RunFinished):
        expected = State.FINISHED
    else:
        expected = State.INTERRUPTED if run.config.exists() else State.BROKEN
    assert state is expected, f"it is said to be {state}"


def assert_as_if_nothing_had_been(run: RunDirectory) -> None:
    """The run is done, each of its steps and epochs is there once, and its weights are those of the whole one."""
    assert summarise(run).state is State.FINISHED
    assert_equal_weights(run, uninterrupted())
    assert logged_steps(run) == list(range(1, STEPS + 1))
    epochs = [event.epoch for event in read_journal(run.journal) if isinstance(event, EpochFinished)]
    with run.metrics.open() as file:
        rows = [int(row["epoch"]) for row in csv.DictReader(file)]
    assert epochs == rows == list(range(1, EPOCHS + 1))
    left = [path.name for path in run.path.rglob(".*") if path.parent != run.predictions]
    assert not left, f"left behind: {left}"


def survive(folder: Path, kills: Sequence[Kill]) -> RunDirectory:
    """Start a run and take it up again, each time to be killed; then let it come to its end.

    Args:
        folder: where `set.npz` is.
        kills: in their order; a process may come to its end before.
    """
    start = [*TRAIN, "--runs-dir", "runs"]
    words = start
    come_to_its_end: Kill = partial(go, folder=folder)
    for kill in (*kills, come_to_its_end):
        code = kill(words)
        runs = list_runs(folder / "runs")
        run = runs[0] if runs else None
        if code == 0:
            assert run is not None
            return run
        assert code == -signal.SIGKILL, f"it ended with {code}"
        if run is not None:
            assert_all_can_be_read(run)
            if summarise(run).state is State.FINISHED:  # it died after its last word
                return run
        begun = run is not None and run.config.exists()
        words = ["resume", str(run.path), "--headless", "--json"] if begun and run else start
        if run is not None and not begun:
            run.path.rename(folder / f"never-begun-{len(list(folder.iterdir()))}")
    raise AssertionError("it never came to its end")


def one_round(seed: int, folder: Path) -> None:
    """Kill a run a few times, at points of the program and from outside after some of its events."""
    draw = random.Random(seed)
    make_data(folder)

    def inside(words: Sequence[str]) -> int:
        return go(words, folder, "tests.faults.kill:killing_after", str(draw.randrange(250)))

    def outside(words: Sequence[str]) -> int:
        left = draw.randrange(30)
        with spawn(words, folder) as process:
            for _ in events_of(process):
                left -= 1
                if left < 0:
                    process.kill()
                    break
            return process.wait()

    run = survive(folder, [draw.choice((inside, outside)) for _ in range(draw.randint(1, MOST_KILLS))])
    assert_as_if_nothing_had_been(run)
