"""Opening long runs: time to the first curves, and stalls of the event loop. `soak` watches one for long."""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.conditions import conditions, write_result
from benchmarks.interleaved import verdict
from xaitui.config.resolve import build_config
from xaitui.config.toml import to_toml
from xaitui.console_options import ConsoleOptions
from xaitui.event_codec import encode
from xaitui.events import EpochFinished, EpochStarted, Event, RunStarted, StepLogged
from xaitui.runs.directory import RunDirectory
from xaitui.tui.app import ConsoleApp
from xaitui.tui.live.screen import LiveScreen
from xaitui.tui.widgets.plot import Plot

LINES, FEWER = 20_000, 100
"""Step lines of a run of a million steps; a run of so many times fewer may not take less than so many times less."""
GOAL = 1.0
"""Seconds after which a run is seen and read."""
PER_EPOCH = 200
TICK = 0.005


def journal_lines(count: int, first: int = 0, every: int = 50) -> bytes:
    """Journal lines of a run that logs each `every` steps, 200 lines an epoch."""
    lines: list[Event] = []
    for number in range(first, first + count):
        epoch, step = number // PER_EPOCH + 1, (number + 1) * every
        if number % PER_EPOCH == 0:
            lines.append(EpochStarted(epoch=epoch, step=step - every, epochs=10**6, time=float(number)))
        loss = 2.0 / (1 + number / 500) + 0.1 * ((number * 7919) % 100) / 100
        lines.append(
            StepLogged(
                epoch=epoch, step=step, loss=loss, lr=0.001, images_per_second=1000.0, memory=0, time=float(number)
            )
        )
        if number % PER_EPOCH == PER_EPOCH - 1:
            val = {"loss": loss, "accuracy": 0.9, "auc": 0.95}
            lines.append(
                EpochFinished(
                    epoch=epoch,
                    step=step,
                    train_loss=loss,
                    train_accuracy=0.9,
                    val=val,
                    lr=0.001,
                    images_per_second=1000.0,
                    seconds=9.0,
                    best_epoch=1,
                    best=0.9,
                    waited=epoch - 1,
                    patience=0,
                    time=float(number),
                )
            )
    return b"".join(map(encode, lines))


def made_run(folder: Path, lines: int) -> RunDirectory:
    """A run whose journal has so many step lines."""
    run = RunDirectory(folder / f"20260101-000000-made-{lines}")
    run.path.mkdir(parents=True)
    run.config.write_text(to_toml(build_config({})))
    started = RunStarted(
        dataset="made",
        model="made",
        device="none",
        parameters=1,
        train_size=320_000,
        val_size=1,
        test_size=1,
        epochs=10**6,
        steps_per_epoch=PER_EPOCH * 50,
        log_every=50,
        monitor="accuracy",
        mode="max",
        patience=0,
        time=0.0,
    )
    with run.journal.open("wb") as file:
        file.write(encode(started))
        for first in range(0, lines, 20_000):
            file.write(journal_lines(min(20_000, lines - first), first))
    return run


class Ticker:
    """How late a timer of the event loop is at its worst."""

    def __init__(self) -> None:
        self.worst = 0.0

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            due = time.perf_counter() + TICK
            await asyncio.sleep(TICK)
            self.worst = max(self.worst, time.perf_counter() - due)


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that the app does."""
    while not condition():
        await asyncio.sleep(0.002)


async def opening(run: RunDirectory) -> dict[str, float]:
    """Seconds until the curves are seen, until everything is read, and the longest stall of the loop meanwhile."""
    app = ConsoleApp(ConsoleOptions(runs_dir=run.path.parent / "none"))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await app.drawer.draw(_empty(), 10, 5)  # the drawing process is there, as it is for every run but the first
        ticker = Ticker()
        task = asyncio.create_task(ticker.run())
        began = time.perf_counter()
        app.open_run(run)
        await until(lambda: isinstance(app.screen, LiveScreen) and app.screen.query(Plot))
        plot = app.screen.query_one("#loss", Plot)
        await until(lambda: len(plot.drawn_rows) > 3)
        seen = time.perf_counter() - began
        screen = app.screen
        assert isinstance(screen, LiveScreen)
        await until(lambda: screen.follower is not None and not screen.follower.is_loading)
        loaded = time.perf_counter() - began
        task.cancel()
    return {"seen_s": round(seen, 3), "loaded_s": round(loaded, 3), "stall_ms": round(1000 * ticker.worst, 1)}


def _empty() -> Any:
    from xaitui.plotting.figure import Figure

    return Figure("", ())


def openings(folder: Path, rounds: int) -> tuple[dict[str, float], dict[str, float]]:
    """Medians of opening, in turns, a run of a million steps and one of a hundred times fewer."""
    runs = [made_run(folder / "ours", LINES), made_run(folder / "short", LINES // FEWER)]
    seen = [[asyncio.run(opening(run)) for run in runs] for _ in range(rounds + 1)][1:]
    long, short = ([turn[number] for turn in seen] for number in range(len(runs)))
    return _medians(long), _medians(short)


def _medians(seen: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(each[name] for each in seen) for name in seen[0]}


def report_growth(long: dict[str, float], short: dict[str, float]) -> None:
    """Print how the two opened."""
    for steps, seen in ((50 * LINES, long), (50 * LINES // FEWER, short)):
        within = verdict(max(seen["seen_s"], seen["loaded_s"]) <= GOAL)
        print(
            f"a run of {steps:,} steps, {steps // 50:,} lines: seen after {seen['seen_s']:.3f} s, whole after "
            f"{seen['loaded_s']:.3f} s, longest stall {seen['stall_ms']:.1f} ms "
            f"(goal: whole within {GOAL:g} s): {within}"
        )
    for name, what in (("seen_s", "seen"), ("loaded_s", "whole")):
        ratio = long[name] / short[name]
        print(f"{what} after {ratio:.1f} times as long (goal: at most {FEWER}): {verdict(ratio <= FEWER)}", flush=True)


def main() -> None:
    """Measure, print, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--foreign", type=int, default=1_000_000, help="lines of the foreign journal")
    parser.add_argument("--rounds", type=int, default=5, help="how often the long and the short run are opened")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours, short = openings(folder, options.rounds)
        report_growth(ours, short)
        foreign = asyncio.run(opening(made_run(folder / "foreign", options.foreign)))
        print(
            f"{options.foreign:,} lines: seen after {foreign['seen_s']} s, whole after {foreign['loaded_s']} s, "
            f"longest stall {foreign['stall_ms']} ms"
        )
    figures = {
        "million_steps": ours,
        "ten_thousand_steps": short,
        "foreign": {"lines": options.foreign, **foreign},
    }
    print(f"written to {write_result('watching', {**conditions(['textual', 'plotext']), **figures})}")


if __name__ == "__main__":
    main()
