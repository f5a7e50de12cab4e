"""Whether a console that watches a run for long, and a run that writes for long, stay as small as they began.

Each is a process of its own: a console whose screen follows a run of which more and more is written, and the path that
the events of a run take to its journal and its table. Memory, descriptors and threads are looked at after each of 200
portions, and compared with those after a tenth of them. `endurance` does the same to a real training.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from benchmarks.conditions import conditions, write_result
from benchmarks.interleaved import verdict
from benchmarks.watching import journal_lines, made_run, until
from xaitui.console_options import ConsoleOptions
from xaitui.event_codec import decode
from xaitui.jobs.train.recorder import Recorder
from xaitui.runs.journal.journal import JournalWriter
from xaitui.tui.app import ConsoleApp
from xaitui.tui.live.screen import LiveScreen
from xaitui.tui.widgets.plot import Plot

PORTIONS = 200
GOAL_GROWTH = 0.05
STEPS_A_LINE = 50


@dataclass(frozen=True)
class Held:
    """What a process holds."""

    rss: int
    """Resident memory, in bytes."""
    descriptors: int
    threads: int
    """Without those that asyncio keeps, of which it starts another one now and then, up to a fixed number."""

    @staticmethod
    def now() -> Held:
        """Of this process."""
        process = psutil.Process()
        threads = [each for each in threading.enumerate() if not each.name.startswith("asyncio_")]
        return Held(process.memory_info().rss, process.num_fds(), len(threads))


async def watch(folder: Path, events: int) -> list[Held]:
    """What a console holds after each portion of a run that it watches."""
    run, held, size = made_run(folder, 10), [], events // PORTIONS
    app = ConsoleApp(ConsoleOptions(runs_dir=folder / "none", interval=3600))
    async with app.run_test(size=(120, 40)) as pilot:
        app.open_run(run)
        await until(lambda: isinstance(app.screen, LiveScreen) and app.screen.query(Plot))
        screen = app.screen
        assert isinstance(screen, LiveScreen)
        for portion in range(PORTIONS):
            with run.journal.open("ab") as file:
                file.write(journal_lines(size, 10 + portion * size))
            await _caught_up(screen, STEPS_A_LINE * (10 + (portion + 1) * size))
            await pilot.pause()
            held.append(Held.now())
    return held


async def _caught_up(screen: LiveScreen, step: int) -> None:
    """Look again and again until a step is known."""

    def is_there() -> bool:
        screen.look()
        last = screen.follower.last_step if screen.follower is not None else None
        return last is not None and last.step >= step

    await until(is_there)


def write(folder: Path, events: int) -> list[Held]:
    """What a process holds after each portion that it has written of a run."""
    run, held, size = made_run(folder, 0), [], events // PORTIONS
    with closing(JournalWriter(run.journal)) as journal:
        recorder = Recorder(run, journal)
        list(recorder.table.write())
        for portion in range(PORTIONS):
            for line in journal_lines(size, portion * size).splitlines():
                _use_up(recorder.write(decode(line)))
            held.append(Held.now())
    return held


def _use_up(events: Iterator[object]) -> None:
    for _ in events:
        pass


def _watch(folder: Path, events: int) -> list[Held]:
    return asyncio.run(watch(folder, events))


WAYS: dict[str, Callable[[Path, int], list[Held]]] = {"watching": _watch, "writing": write}


@dataclass(frozen=True)
class Growth:
    """What a process held more in the end than after a tenth of the way."""

    events: int
    rss_mib: float
    """After that tenth."""
    memory: float
    """Part of it that was added by the end."""
    descriptors: int
    threads: int


def growth(held: list[Held], events: int) -> Growth:
    """Compare; of descriptors and threads, which come and go, the fewest of the last tenth with those of the second."""
    tenth = len(held) // 10
    base, early, late = held[tenth], held[tenth : 2 * tenth], held[-tenth:]
    descriptors, threads = (
        min(getattr(each, name) for each in late) - min(getattr(each, name) for each in early)
        for name in ("descriptors", "threads")
    )
    return Growth(events, round(base.rss / 2**20, 1), round(held[-1].rss / base.rss - 1, 4), descriptors, threads)


def main() -> None:
    """Measure, print, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--only", nargs="*", choices=WAYS, default=list(WAYS))
    options = parser.parse_args()
    figures: dict[str, object] = {}
    for name in options.only:
        with (
            tempfile.TemporaryDirectory() as folder,
            ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool,
        ):
            held = pool.submit(WAYS[name], Path(folder), options.events).result()
        grown = growth(held, options.events)
        is_reached = grown.memory < GOAL_GROWTH and grown.descriptors <= 0 and grown.threads <= 0
        print(
            f"{name} {options.events:,} events: {grown.rss_mib} MiB, which grow by {grown.memory:.1%} (goal: below "
            f"{GOAL_GROWTH:.0%}), {grown.descriptors:+} descriptors, {grown.threads:+} threads (goal: none): "
            f"{verdict(is_reached)}",
            flush=True,
        )
        figures[name] = {**asdict(grown), "held": [asdict(each) for each in held[:: PORTIONS // 20]]}
    print(f"written to {write_result('soak', {**conditions(['textual', 'torch']), **figures})}")


if __name__ == "__main__":
    main()
