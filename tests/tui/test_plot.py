from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from textual.geometry import Region
from textual.pilot import Pilot

from tests.tui.console_pilot import open_console, screen_rows, screen_text, until, until_acted_on
from tests.unit.plotting.figures import FALLING, RISING, figure
from xaitui.plotting.curves import Curves, NamedCurve, View
from xaitui.plotting.figure import Figure, Line
from xaitui.runs.journal.series import Curve, XAxis
from xaitui.tui.app import ConsoleApp
from xaitui.tui.live.enlarged_plot import PlotScreen
from xaitui.tui.palette import THEMES, series_colours
from xaitui.tui.widgets.plot import Plot

console = partial(open_console, interval=0.2)
"""Screens look often, so that no test waits for a second."""

PER_EPOCH = 100
SECONDS_PER_STEP = 0.5


class GoingOn:
    """The curves of a run that goes on: val is half of train, and is known once an epoch."""

    def __init__(self, steps: int = 1001) -> None:
        self.steps = steps

    def __call__(self, x: XAxis) -> Curves:
        scale = {"step": 1.0, "epoch": 1 / PER_EPOCH, "time": SECONDS_PER_STEP}[x]
        steps = np.arange(0.0, self.steps)
        epochs = np.arange(PER_EPOCH, self.steps, PER_EPOCH, dtype=float)
        train, val = Curve(steps * scale, 1 + steps / 1000), Curve(epochs * scale, (1 + epochs / 1000) / 2)
        return Curves((NamedCurve("train", train, 0), NamedCurve("val", val, 1)), mark=500 * scale)


def opened(app: ConsoleApp) -> PlotScreen:
    assert isinstance(app.screen, PlotScreen)
    return app.screen


async def open_plot(app: ConsoleApp, source: GoingOn, view: View | None = None) -> PlotScreen:
    app.push_screen(PlotScreen("loss [b]of[/b] a run", source, view))
    await until(app, lambda: "train" in screen_text(app) and "step 1000" in screen_text(app))
    return opened(app)


async def press(app: ConsoleApp, pilot: Pilot[int], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
    await until_acted_on(app)


def values(app: ConsoleApp) -> str:
    """The row below the plot."""
    return next(
        " ".join(row.split())
        for row in screen_rows(app)
        if row.strip().startswith(("step", "epoch", "time")) and "train" in row
    )


@pytest.mark.parametrize("size", [(60, 18), (80, 24), (200, 60)])
async def test_a_plot_fills_the_screen_and_says_the_last_values(size: tuple[int, int], runs_dir: Path) -> None:
    async with console(runs_dir, size=size) as (app, _):
        await open_plot(app, GoingOn())
        assert screen_rows(app)[0].strip() == "loss [b]of[/b] a run"
        assert values(app) == "step 1000 train 2 val 1"
        await until(app, lambda: "⠤" in screen_text(app) or "⠒" in screen_text(app))
        plot = opened(app).query_one(Plot)
        assert plot.size.height >= size[1] - 5


async def test_a_cursor_reads_every_line_at_its_place_or_before(runs_dir: Path) -> None:
    async with console(runs_dir) as (app, pilot):
        await open_plot(app, GoingOn())
        await press(app, pilot, "home")
        assert values(app).endswith("val -")
        await press(app, pilot, "end")
        assert values(app) == "step 1000 train 2 val 1"
        await press(app, pilot, "left")
        one = int(values(app).split()[1])
        await press(app, pilot, "shift+left")
        assert 1000 > one > int(values(app).split()[1]) > 850
        await press(app, pilot, "right", "shift+right")
        assert values(app) == "step 1000 train 2 val 1"
        await press(app, pilot, *["shift+right"] * 3)
        assert values(app) == "step 1000 train 2 val 1"


async def test_the_first_key_puts_the_cursor_to_the_last_point(runs_dir: Path) -> None:
    async with console(runs_dir) as (app, pilot):
        screen = await open_plot(app, GoingOn())
        assert screen.cursor is None
        await press(app, pilot, "left")
        assert screen.cursor == pytest.approx(1000, rel=0.01)


async def test_keys_change_the_scale_the_smoothing_and_the_x_axis(runs_dir: Path) -> None:
    async with console(runs_dir) as (app, pilot):
        screen = await open_plot(app, GoingOn())
        await press(app, pilot, "y", "m")
        assert "log scale, smoothed by 0.6" in screen_rows(app)[0]
        await press(app, pilot, "m")
        assert "smoothed by 0.9" in screen_rows(app)[0]
        assert float(values(app).split()[3]) < 2
        await press(app, pilot, "m", "y", "x")
        assert values(app) == "epoch 10 train 2 val 1"
        await press(app, pilot, "x")
        assert values(app) == "time (min) 8.333 train 2 val 1"
        assert screen.view == View(x="time")
        await press(app, pilot, "x", "escape")
        assert not isinstance(app.screen, PlotScreen)


async def test_the_plot_follows_its_run(runs_dir: Path) -> None:
    source = GoingOn()
    async with console(runs_dir) as (app, _):
        await open_plot(app, source)
        source.steps = 2001
        await until(app, lambda: "step 2000" in screen_text(app) and "1500" in screen_text(app))


async def test_a_plot_without_points_says_so(runs_dir: Path) -> None:
    async with console(runs_dir) as (app, pilot):
        app.push_screen(PlotScreen("loss", lambda x: Curves(())))
        await until(app, lambda: "no data yet" in screen_text(app))
        await press(app, pilot, "left", "home", "y", "m", "x")
        assert "no data yet" in screen_text(app)


async def test_ascii_draws_nothing_but_ascii(runs_dir: Path) -> None:
    async with console(runs_dir, ascii=True) as (app, _):
        screen = await open_plot(app, GoingOn())
        await until(app, lambda: "***" in screen_text(app))
        region = screen.query_one(Plot).region
        assert all(row.isascii() for row in screen_rows(app)[region.y : region.bottom])


class Noting(Plot):
    """A plot that notes what it repaints, and who opens it."""

    def __init__(self) -> None:
        super().__init__()
        self.repainted: list[Region] = []
        self.opened: list[Plot] = []

    def on_plot_opened(self, event: Plot.Opened) -> None:
        self.opened.append(event.plot)

    def refresh(self, *regions: Region, **how: Any) -> Noting:
        self.repainted += regions
        return super().refresh(*regions, **how)


async def show(app: ConsoleApp, figure: Figure) -> Noting:
    """A plot alone on a screen, with the focus."""
    plot = Noting()
    plot.styles.height, plot.styles.dock = 12, "top"
    await app.screen.mount(plot)
    plot.show(figure)
    await until(app, lambda: figure.lines[0].label in screen_text(app))
    await drawn(app, plot)
    return plot


async def drawn(app: ConsoleApp, plot: Plot) -> None:
    """Wait until nothing of a plot is being drawn."""
    await app.workers.wait_for_complete([worker for worker in app.workers if worker.node is plot])


async def test_only_what_changed_is_painted_again(runs_dir: Path) -> None:
    async with console(runs_dir, size=(80, 24)) as (app, _):
        plot = await show(app, figure(FALLING, cursor=300.0))
        plot.repainted.clear()
        plot.show(figure(FALLING, cursor=600.0))
        await drawn(app, plot)
        assert all(region.width < 30 for region in plot.repainted)  # from the old cursor to the new one
        assert {region.height for region in plot.repainted} == {1}
        assert 5 <= len(plot.repainted) < 10  # neither the title nor the labels
        plot.repainted.clear()
        plot.show(figure(FALLING, cursor=600.0))
        await drawn(app, plot)
        assert plot.repainted == []


async def test_of_many_figures_the_last_one_is_shown(runs_dir: Path) -> None:
    async with console(runs_dir) as (app, _):
        plot = await show(app, figure(RISING))
        for number in range(50):
            plot.show(figure(Line(f"line {number}", [0.0, 1.0], [0.0, 1.0])))
        await until(app, lambda: "line 49" in screen_text(app))


async def test_a_plot_is_drawn_anew_for_another_size(runs_dir: Path) -> None:
    async with console(runs_dir, size=(120, 40)) as (app, pilot):
        plot = await show(app, figure(RISING))
        for size in ((70, 20), (1, 1), (100, 30)):
            await pilot.resize_terminal(*size)
        await until(app, lambda: plot.outer_size.width == 100 and "val" in screen_rows(app)[plot.region.y][90:])


async def test_a_plot_is_drawn_anew_where_styles_that_come_late_narrow_it(runs_dir: Path) -> None:
    async with console(runs_dir, size=(80, 24)) as (app, _):
        plot = await show(app, figure(RISING))
        plot.styles.padding = (0, 4)  # its outer size stays, so that it is told of no new one
        await until(app, lambda: plot.size.width == 80 - 2 * 4 and "val" in screen_rows(app)[plot.region.y][60:76])


async def test_a_theme_brings_its_colours(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR")
    async with console(runs_dir) as (app, pilot):
        plot = await show(app, figure(FALLING))
        for theme in (item.name for item in THEMES):
            app.theme = theme
            await pilot.pause()
            await until(app, lambda: series_colours(theme)[0] in colours_of(plot))  # noqa: B023


def colours_of(plot: Plot) -> set[str]:
    strips = [plot.render_line(y) for y in range(plot.size.height)]
    return {
        str(segment.style.color.name) for strip in strips for segment in strip if segment.style and segment.style.color
    }


async def test_the_focus_is_seen_and_enter_asks_for_the_whole_screen(runs_dir: Path) -> None:
    async with console(runs_dir) as (app, pilot):
        plot = await show(app, figure(FALLING, title="損 loss"))
        assert not reversed_text(plot)
        plot.focus()
        await pilot.pause()
        assert reversed_text(plot) == "損 loss"
        await pilot.press("enter")
        assert plot.opened == [plot]
        plot.blur()
        await pilot.pause()
        assert not reversed_text(plot)


def reversed_text(plot: Plot) -> str:
    return "".join(segment.text for segment in plot.render_line(0) if segment.style and segment.style.reverse)


async def test_a_plot_without_colours_has_a_style_in_each_cell(runs_dir: Path) -> None:
    async with console(runs_dir) as (app, _):
        plot = await show(app, figure(FALLING, RISING))
        strips = [plot.render_line(y) for y in range(plot.size.height)]
        assert all(segment.style is not None for strip in strips for segment in strip)
        assert {strip.cell_length for strip in strips} == {plot.size.width}
