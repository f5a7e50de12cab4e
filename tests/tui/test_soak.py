"""Watching a run that writes 20,000 events, and writing them: nothing is kept of those that are past."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from tests.builders.events import epoch_finished, epoch_started, started, step
from tests.builders.runs import made_run
from tests.tui.console_pilot import open_console, until
from tests.tui.live_run import Watch, watching
from xaitui.event_codec import encode
from xaitui.events import Event
from xaitui.jobs.train.recorder import Recorder
from xaitui.runs.directory import RunDirectory
from xaitui.runs.journal import series
from xaitui.runs.journal.journal import JournalWriter

EPOCHS, PORTIONS = 1666, 10
"""Of twelve events each."""


def epochs(numbers: range) -> Iterator[Event]:
    """The events of some epochs."""
    for number in numbers:
        yield epoch_started(number, EPOCHS)
        yield from (step(10 * (number - 1) + each) for each in range(1, 11))
        yield epoch_finished(number)


def portions() -> Iterator[range]:
    """The numbers of the epochs, in portions."""
    size = -(-EPOCHS // PORTIONS)
    for first in range(1, EPOCHS + 1, size):
        yield range(first, min(first + size, EPOCHS + 1))


def kept() -> int:
    """Events that are in memory; looking at all of it takes long where torch is loaded."""
    gc.collect()
    return sum(issubclass(type(each), Event) for each in gc.get_objects())


def held() -> tuple[int, int]:
    """Descriptors and threads of this process; asyncio has up to a fixed number, which it starts when it needs them."""
    threads = [each for each in threading.enumerate() if not each.name.startswith("asyncio_")]
    return psutil.Process().num_fds(), len(threads)


def is_seen(watch: Watch, epoch: int) -> bool:
    """Whether the screen knows that an epoch is over; else it looks again."""
    watch.screen.look()
    return watch.is_at(epoch)


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    """A run that has begun."""
    return made_run(tmp_path / "runs", "long", started(epochs=EPOCHS))


async def test_a_console_keeps_no_more_the_longer_it_watches(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series, "MOST_POINTS", 500)
    events, seen = [], []
    async with open_console(run.path.parent, (120, 40), watching(run), interval=3600) as (app, _):
        watch = Watch(app)
        await until(app, lambda: watch.follower is not None and not watch.follower.is_loading)
        for numbers in portions():
            with run.journal.open("ab") as file:
                file.write(b"".join(encode(event) for event in epochs(numbers)))
            await until(app, lambda last=numbers[-1]: is_seen(watch, last))  # type: ignore[misc]
            seen.append(held())
            if len(seen) in (2, PORTIONS):
                events.append(kept())
        assert watch.follower is not None
        points = len(watch.follower.series.curve("loss", "step"))
    assert 500 <= points <= 1000
    assert series.LAST_EPOCHS <= events[1] <= events[0] + 5  # a few more are on their way to the screen
    for number in range(2):  # files are open for a moment, and threads at work
        assert min(each[number] for each in seen[5:]) <= max(each[number] for each in seen[:5])


def test_a_run_keeps_nothing_of_what_it_has_written(run: RunDirectory) -> None:
    before, events = held(), []
    with closing(JournalWriter(run.journal)) as journal:
        recorder = Recorder(run, journal)
        assert not list(recorder.table.write())
        for numbers in portions():
            written = sum(1 for event in epochs(numbers) for _ in recorder.write(event))
            assert written == 12 * len(numbers)
            if numbers[0] == 1 or numbers[-1] == EPOCHS:
                events.append(kept())
    assert events[1] <= events[0]
    assert run.metrics.read_text().count("\n") == 1 + EPOCHS
    assert run.journal.read_bytes().count(b"\n") == 1 + 12 * EPOCHS
    assert held() == before
