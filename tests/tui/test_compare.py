from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from textual.widgets import DataTable

from tests.builders.events import epoch_finished, epoch_started, finished, started, step
from tests.builders.runs import finished_run, made_run, own, write
from tests.tui.console_pilot import open_console, screen_text, until
from xaitui.console_options import ConsoleActions
from xaitui.runs.directory import RunDirectory
from xaitui.tui.app import ConsoleApp
from xaitui.tui.compare.screen import CompareScreen
from xaitui.tui.live.enlarged_plot import PlotScreen
from xaitui.tui.widgets.plot import Plot

FIRST, SECOND, LIVE = "20260301-101010-digits-adam", "20260302-101010-digits-sgd", "20260303-101010-digits-live"


@pytest.fixture
def runs(runs_dir: Path) -> list[RunDirectory]:
    """Two finished runs that differ in their optimizer, and a live one."""
    return [
        finished_run(runs_dir, f"{FIRST}-aaaa", 0.8),
        finished_run(runs_dir, f"{SECOND}-bbbb", 0.9, settings={"optimizer.name": "sgd", "run.note": "[red]x"}),
        made_run(runs_dir, f"{LIVE}-cccc", started(epochs=3), epoch_started(1, 3), step(5)),
    ]


def screen(app: ConsoleApp) -> CompareScreen:
    assert isinstance(app.screen, CompareScreen)
    return app.screen


def opens(runs: list[RunDirectory]) -> Callable[[ConsoleActions], None]:
    return lambda console: cast(ConsoleApp, console).open("compare", runs)


def shown(app: ConsoleApp) -> Callable[[], bool]:
    return lambda: (
        isinstance(app.screen, CompareScreen) and any(table.row_count for table in app.screen.query(DataTable))
    )


def cell(app: ConsoleApp, row: str, run: int) -> str:
    return str(screen(app).query_one(DataTable).get_cell(row, str(run)))


def at(app: ConsoleApp) -> str:
    table = screen(app).query_one(DataTable)
    return str(table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value)


@pytest.mark.parametrize("size", [(80, 24), (60, 18), (160, 48)])
async def test_curves_scores_and_differing_settings_are_seen(
    size: tuple[int, int], runs: list[RunDirectory], runs_dir: Path
) -> None:
    async with open_console(runs_dir, size, opens(runs)) as (app, pilot):
        await until(app, shown(app))
        assert cell(app, "val_accuracy", 0) == "0.8000"
        assert cell(app, "val_accuracy", 1) == "0.9000 +0.1000▲"
        assert cell(app, "val_accuracy", 2) == "-"
        assert cell(app, "optimizer.name", 1) == "sgd"
        assert cell(app, "optimizer.lr", 0) == "0.001 default"
        await until(app, lambda: "val_accuracy" in screen_text(app) and "adam" in screen_text(app))
        await pilot.press("n")
        assert at(app) == "optimizer.name"
        await until(app, lambda: "optimizer.name" in screen_text(app))


async def test_differences_are_jumped_between(runs: list[RunDirectory], runs_dir: Path) -> None:
    async with open_console(runs_dir, first=opens(runs[:2])) as (app, pilot):
        await until(app, shown(app))
        paths = []
        for _ in range(7):
            await pilot.press("n")
            paths.append(at(app))
        assert paths == [
            "optimizer.name",
            "optimizer.lr",
            "optimizer.momentum",
            "optimizer.beta1",
            "optimizer.beta2",
            "run.note",
            "optimizer.name",
        ]
        await pilot.press("N")
        assert at(app) == "run.note"
        assert cell(app, "run.note", 1) == "[red]x"
        await pilot.press("N")
        assert at(app) == "optimizer.beta2"


async def test_runs_that_differ_in_nothing_say_so(runs_dir: Path, told: list[str]) -> None:
    same = [finished_run(runs_dir, name) for name in ("one", "two")]
    async with open_console(runs_dir, first=opens(same)) as (app, pilot):
        await until(app, shown(app))
        await pilot.press("n")
        assert told == ["no setting differs"]


async def test_another_run_is_pinned_as_baseline(runs: list[RunDirectory], runs_dir: Path, told: list[str]) -> None:
    async with open_console(runs_dir, first=opens(runs)) as (app, pilot):
        await until(app, shown(app))
        await pilot.press("right", "p")
        assert cell(app, "val_accuracy", 0) == "0.8000 -0.1000▼"
        assert cell(app, "val_accuracy", 1) == "0.9000"
        titles = [str(column.label) for column in screen(app).query_one(DataTable).ordered_columns]
        assert titles == ["", "adam", "◆ sgd", "live"]
        await pilot.press("left", "left", "p")
        assert told == ["move to the column of a run with the arrow keys first"]


async def test_the_plot_changes_with_its_keys(runs: list[RunDirectory], runs_dir: Path) -> None:
    async with open_console(runs_dir, first=opens(runs)) as (app, pilot):
        await until(app, shown(app))
        plot = screen(app).query_one(Plot)
        assert plot.figure is not None
        assert [line.colour for line in plot.figure.lines] == [0, 1, 2]
        assert (plot.figure.title, plot.figure.x_label, plot.figure.mark) == ("val_accuracy", "step", 10.0)
        await pilot.press("v")
        assert plot.figure.title == "val_balanced_accuracy", "no run has an AUC"
        await pilot.press("y", "m", "x")
        assert (plot.figure.log, plot.figure.x_label) == (True, "epoch")
        assert plot.figure.title == "val_balanced_accuracy, log scale, smoothed by 0.6"
        for keys in (("enter",), ("shift+tab", "enter")):
            await pilot.press(*keys)
            await until(app, lambda: isinstance(app.screen, PlotScreen))
            await pilot.press("escape")
            await until(app, lambda: isinstance(app.screen, CompareScreen))
            screen(app).query_one(DataTable).focus()


async def test_live_runs_go_on(runs: list[RunDirectory], runs_dir: Path) -> None:
    own(runs[2])
    async with open_console(runs_dir, first=opens(runs)) as (app, pilot):
        await until(app, shown(app))
        assert cell(app, "state", 2) == "running"
        await pilot.press("right", "down", "down")
        write(runs[2], step(10), epoch_finished(1, accuracy=0.95, auc=0.99))
        screen(app).look()
        await until(app, lambda: cell(app, "val_accuracy", 2) == "0.9500 +0.1500▲")
        table = screen(app).query_one(DataTable)
        assert (table.cursor_row, table.cursor_column) == (2, 2)
        figure = screen(app).query_one(Plot).figure
        assert figure is not None
        assert list(figure.lines[2].y) == [0.95]
        write(runs[2], finished(best=0.95, best_epoch=1))
        screen(app).look()
        await until(app, lambda: cell(app, "state", 2) == "finished")


async def test_what_cannot_be_read_is_said_below_the_table(runs: list[RunDirectory], runs_dir: Path) -> None:
    runs[1].config.write_text("[run")
    runs[2].journal.unlink()
    async with open_console(runs_dir, (80, 24), opens(runs)) as (app, _):
        await until(app, shown(app))
        await until(app, lambda: "sgd: config.toml is no TOML" in screen_text(app))
        assert cell(app, "val_accuracy", 1) == "0.9000 +0.1000▲"


async def test_ascii_draws_nothing_else(runs: list[RunDirectory], runs_dir: Path) -> None:
    async with open_console(runs_dir, (80, 24), opens(runs), ascii=True) as (app, pilot):
        await until(app, shown(app))
        await pilot.press("n", "p")
        table = screen(app).query_one(DataTable)
        texts = [str(cell) for row in table.rows for cell in table.get_row(row)]
        texts += [str(column.label) for column in table.ordered_columns]
        assert all(text.isascii() for text in texts)
        assert "0.9000 +0.1000^" in texts
        assert "* adam" in texts
