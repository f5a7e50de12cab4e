"""What a run looked at through its training, and what two runs look at, under a user's hands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from tests.builders.maps import watched
from tests.builders.runs import finished_run
from tests.tui.console_pilot import open_console, screen_text, until
from xaitui.console_options import ConsoleActions
from xaitui.runs.directory import RunDirectory
from xaitui.tui.app import ConsoleApp
from xaitui.tui.compare.screen import CompareScreen
from xaitui.tui.explain.training import TrainingMapsScreen
from xaitui.tui.explain.two_runs import TwoRunsScreen
from xaitui.tui.live.screen import LiveScreen
from xaitui.tui.widgets.plot import Plot

FIRST, SECOND = "20260301-101010-digits-aaaa", "20260302-101010-digits-bbbb"


@pytest.fixture
def run(runs_dir: Path) -> RunDirectory:
    return finished_run(runs_dir, FIRST, 0.9)


def opens(run: RunDirectory) -> Callable[[ConsoleActions], None]:
    return lambda console: cast(ConsoleApp, console).open("training_maps", run)


def shows(app: ConsoleApp, *words: str) -> Callable[[], bool]:
    return lambda: all(word in " ".join(screen_text(app).split()) for word in words)


def cursor(app: ConsoleApp) -> float | None:
    figure = app.screen.query_one(Plot).figure
    return figure.cursor if figure is not None else None


@pytest.mark.parametrize("size", [(80, 24), (60, 18), (160, 48)])
async def test_epochs_are_gone_through_beside_the_curve(
    size: tuple[int, int], run: RunDirectory, runs_dir: Path
) -> None:
    watched(run)
    async with open_console(runs_dir, size, opens(run)) as (app, pilot):
        await until(app, shows(app, "epoch 3 of 3", "accuracy 0.9000", "maps moved 0.10", "image 1 of 2", "val 5: 3"))
        assert cursor(app) == 3
        await pilot.press("left")
        await until(app, shows(app, "epoch 2 of 3"))
        assert cursor(app) == 2
        if size[0] > 70:
            await until(app, shows(app, "epoch 3, the last", "rank correlation -0.14"))
        await pilot.press("home", "j")
        await until(app, shows(app, "epoch 1 of 3", "image 2 of 2", "val 6: 4"))
        await pilot.press("g")
        await until(app, shows(app, "all 2 images", "3 55.0%", "4 55.0%"))


async def test_the_last_epoch_is_followed_and_another_one_kept(run: RunDirectory, runs_dir: Path) -> None:
    watched(run, (1, 2))
    async with open_console(runs_dir, (80, 24), opens(run), interval=0.2) as (app, pilot):
        await until(app, shows(app, "epoch 2 of 2"))
        watched(run, (1, 2, 3))
        await until(app, shows(app, "epoch 3 of 3"))
        await pilot.press("left", "left")
        await until(app, shows(app, "epoch 1 of 3"))
        watched(run, (1, 2, 3, 4))
        await until(app, shows(app, "epoch 1 of 4"))


async def test_alarms_are_said_and_gone_to(run: RunDirectory, runs_dir: Path, told: list[str]) -> None:
    watched(run, range(1, 7), moved=0.5)
    async with open_console(runs_dir, (80, 24), opens(run)) as (app, pilot):
        await until(app, shows(app, "epoch 6 of 6", "alarm: accuracy stands still"))
        await pilot.press("n")
        await until(app, shows(app, "epoch 4 of 6", "alarm"))
        await pilot.press("home")
        await until(app, shows(app, "epoch 1 of 6", "alarms at 4, 5, 6"))
    assert told == []


async def test_a_calm_run_has_no_alarm_and_one_that_watched_nothing_says_how(
    run: RunDirectory, runs_dir: Path, told: list[str]
) -> None:
    async with open_console(runs_dir, (80, 24), opens(run), interval=0.2) as (app, pilot):
        await until(app, shows(app, "nothing was watched in this run", "--watch-samples=8"))
        await pilot.press("left", "j", "g")
        watched(run)
        await until(app, shows(app, "epoch 3 of 3"))
        await pilot.press("n")
        assert told == ["there is no alarm: accuracy never stood still while the maps moved"]


async def test_a_damaged_epoch_is_left_out(run: RunDirectory, runs_dir: Path) -> None:
    watched(run)
    next(run.explanations.glob("*/epoch-0003.npz")).write_bytes(b"PK")
    async with open_console(runs_dir, (80, 24), opens(run)) as (app, _):
        await until(app, shows(app, "epoch 2 of 2"))


async def test_a_key_of_the_run_leads_there(run: RunDirectory, runs_dir: Path) -> None:
    watched(run)
    async with open_console(runs_dir, (80, 24), lambda console: console.open_run(run)) as (app, pilot):
        await until(app, lambda: isinstance(app.screen, LiveScreen) and "best 0.9" in screen_text(app))
        await pilot.press("t")
        await until(app, lambda: isinstance(app.screen, TrainingMapsScreen) and "epoch 3 of 3" in screen_text(app))


@pytest.mark.parametrize("size", [(80, 24), (60, 18), (160, 48)])
async def test_two_runs_stand_beside_each_other(size: tuple[int, int], run: RunDirectory, runs_dir: Path) -> None:
    other = finished_run(runs_dir, SECOND, 0.8)
    watched(run)
    watched(other, (1, 2))
    async with open_console(runs_dir, size, lambda app: cast(ConsoleApp, app).open("compare", [run, other])) as (
        app,
        pilot,
    ):
        await until(app, lambda: isinstance(app.screen, CompareScreen) and "finished" in screen_text(app))
        await pilot.press("X")
        await until(app, lambda: isinstance(app.screen, TwoRunsScreen))
        await until(app, shows(app, "aaaa epoch 3", "bbbb epoch 2", "rank correlation -0.14, mean of all -0.14"))
        await pilot.press("left")
        await until(app, shows(app, "aaaa epoch 2", "bbbb epoch 2", "rank correlation 1.00"))
        await pilot.press("right", "j")
        await until(app, shows(app, "aaaa epoch 3", "image 2 of 2"))


async def test_runs_that_watched_other_images_are_not_compared(run: RunDirectory, runs_dir: Path) -> None:
    other = finished_run(runs_dir, SECOND, 0.8)
    watched(run)

    def opens_both(app: ConsoleActions) -> None:
        cast(ConsoleApp, app).open("two_runs", run, other)

    async with open_console(runs_dir, (100, 24), opens_both, interval=0.2) as (app, _):
        await until(app, shows(app, "bbbb watched nothing", "xaitui explain aaaa --against bbbb"))
        watched(other, seed=1)
        await until(app, shows(app, "the runs watched different images"))
