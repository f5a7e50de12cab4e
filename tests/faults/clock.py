"""Clocks that are set, that jump over a sleep, that stand: durations and what is left stay sane, the run stays live."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.builders.events import epoch_finished, epoch_started, started, step
from tests.builders.runs import made_run, own
from xaitui.events import Event
from xaitui.runs.directory import RunDirectory
from xaitui.runs.follower import RunFollower
from xaitui.runs.journal.journal import JournalWriter
from xaitui.runs.listing.progress import progress
from xaitui.runs.listing.run_list import read_row
from xaitui.runs.state import State

EPOCHS, PER_EPOCH, TRAIN_SIZE = 8, 10, 320
STEP_SECONDS = 1.0
HOUR = 3600.0

Clock = Callable[[], float]


def jumping(draw: random.Random, chance: float) -> Clock:
    """A wall clock that is set now and then, by hours or years, or stands."""
    now = 1.7e9

    def read() -> float:
        nonlocal now
        now += STEP_SECONDS
        if draw.random() < chance:
            now += draw.choice((-HOUR, HOUR, -24 * HOUR, 8 * HOUR, -STEP_SECONDS, -1e9, 1e9))
        return now

    return read


def events(slept: int = 0) -> Iterator[Event]:
    """A run in its last epoch; in one epoch the machine may have slept for eight hours."""
    yield started(epochs=EPOCHS, steps_per_epoch=PER_EPOCH, train_size=TRAIN_SIZE)
    for epoch in range(1, EPOCHS):
        yield epoch_started(epoch, EPOCHS)
        yield from (step(number) for number in range((epoch - 1) * PER_EPOCH + 1, epoch * PER_EPOCH + 1))
        made, asleep = epoch_finished(epoch, accuracy=0.5), 8 * HOUR if epoch == slept else 0.0
        speed = TRAIN_SIZE / (TRAIN_SIZE / made.images_per_second + asleep)
        yield replace(made, seconds=PER_EPOCH * STEP_SECONDS + asleep, images_per_second=speed)
    yield epoch_started(EPOCHS, EPOCHS)


def journal(folder: Path, clock: Clock, slept: int = 0) -> RunDirectory:
    """A run of this process whose events have the times of a clock."""
    run = made_run(folder, "20260301-101010-digits-aaaa")
    writer = JournalWriter(run.journal, clock)
    for event in events(slept):
        writer.append(event)
    writer.close()
    own(run)
    return run


def assert_sane(run: RunDirectory, clock: Clock) -> None:
    """It is live, its curves go forward, and what is left is a matter of seconds."""
    follower = RunFollower(run, clock)
    while follower.poll():
        pass
    assert follower.state is State.RUNNING
    x = follower.curve("loss", "time").x
    assert len(x) == (EPOCHS - 1) * PER_EPOCH
    assert np.isfinite(x).all()
    assert (np.diff(x) >= 0).all()
    assert follower.started is not None
    found = progress(follower.started, EPOCHS, follower.last_step, follower.finished_epochs)
    row = read_row(run)
    for left in (found.run_left, row.eta):
        assert left is not None
        assert 0 <= left <= 2 * PER_EPOCH * STEP_SECONDS, f"{left} s are said to be left"
    assert row.state is State.RUNNING
    assert math.isfinite(row.began)


def one_round(seed: int, folder: Path) -> None:
    """A run under a clock that jumps, in one of whose epochs the machine slept; the watcher's clock jumps too."""
    draw = random.Random(seed)
    run = journal(folder, jumping(draw, 0.2), slept=draw.randrange(EPOCHS))
    assert_sane(run, jumping(draw, 0.05))
