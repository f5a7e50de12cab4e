"""Keys that come faster than screens open and close: each is acted on by the screen that is seen by then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import DataTable

from tests.tui.console_pilot import open_console, screen_text, until, until_acted_on
from tests.tui.every_screen import go, make_two, name_of
from xaitui.tui.app import ConsoleApp
from xaitui.tui.dialogs.choose import ChooseScreen
from xaitui.tui.dialogs.dialog import Palette
from xaitui.tui.explain.screen import ExplainScreen
from xaitui.tui.live.screen import LiveScreen
from xaitui.tui.run_controller import Launch
from xaitui.tui.threads import is_there


@pytest.fixture
def two(runs_dir: Path) -> Path:
    return make_two(runs_dir)


def press(app: ConsoleApp, *keys: str) -> None:
    """Keys of one burst: none waits for what comes of the one before."""
    for key in keys:
        app.simulate_key(key)


async def test_a_list_of_layers_that_comes_when_its_screen_is_gone_is_dropped(two: Path) -> None:
    async with open_console(two, (100, 30)) as (app, _):
        await go(app, "explain")
        screen = app.screen
        assert isinstance(screen, ExplainScreen)
        press(app, "l", "escape")
        await until(app, lambda: not screen.is_running and screen.requests.explainer.process is None)
        assert name_of(app) == "runs"
        assert len(app.screen_stack) == 2


@pytest.mark.parametrize("enters", [2, 3, 5])
async def test_enters_in_a_burst_choose_in_the_palette_and_then_in_what_is_seen(enters: int, two: Path) -> None:
    async with open_console(two, (100, 30)) as (app, _):
        await go(app, "runs")
        press(app, "ctrl+p", *["enter"] * enters)
        await until_acted_on(app)
        press(app, *["escape"] * 5)
        await until_acted_on(app)
        assert app.is_running


@pytest.mark.parametrize("key", ["D", "W", "G", "E"])
async def test_nothing_is_opened_once_the_console_is_being_left(key: str, two: Path) -> None:
    async with open_console(two, (100, 30)) as (app, _):
        await go(app, "runs")
        press(app, "q", key)
        await until(app, lambda: not app.is_running)
    assert app.return_value == 0


@pytest.mark.parametrize("opens", [ConsoleApp.action_command_palette, ConsoleApp.search_themes])
@pytest.mark.parametrize("size", [(20, 5), (60, 18)])
async def test_page_up_in_a_palette_without_room(
    size: tuple[int, int], opens: Callable[[ConsoleApp], None], two: Path
) -> None:
    async with open_console(two, (100, 30)) as (app, pilot):
        await go(app, "runs")
        await pilot.resize_terminal(*size)
        opens(app)
        press(app, "pageup", "pagedown", "down", "pageup", "z", "z", "z", "z", "pageup")
        await until_acted_on(app)
        assert isinstance(app.screen, Palette)
        press(app, "down", "pageup")
        await pilot.pause()
        press(app, "escape")
        await until(app, lambda: len(app.screen_stack) == 2)


async def test_a_key_that_comes_with_the_one_that_opens_a_screen_is_for_that_screen(two: Path) -> None:
    async with open_console(two, (100, 30)) as (app, _):
        await go(app, "runs")
        press(app, "E", "m", "f", "down", "enter", "escape", "escape")
        await until(app, lambda: len(app.screen_stack) == 2 and not isinstance(app.screen, ChooseScreen))
        press(app, "W", "n", *"x=1", "escape", "enter", "escape", "G", "D", *["escape"] * 3, "slash", *"aaaa")
        await until(app, lambda: name_of(app) == "runs" and "1 of 2 runs" in screen_text(app))


async def test_a_screen_that_is_open_already_is_gone_back_to(two: Path) -> None:
    async with open_console(two, (100, 30)) as (app, pilot):
        await go(app, "runs")
        await pilot.press("G", "D", "G", "D", "W", "n", "escape", "D")
        assert [type(screen).__name__ for screen in app.screen_stack[1:]] == ["RunsScreen", "GpuScreen", "DataScreen"]


async def test_a_screen_that_opens_while_the_console_ends_has_its_widgets(two: Path) -> None:
    async with open_console(two, (100, 30)) as (app, _):
        await go(app, "runs")
        app.push_screen(LiveScreen(Launch("simple-cnn on digits", in_thread=False)))
        app.exit(0)
        await until(app, lambda: not app.is_running)
    assert app.return_value == 0


async def test_a_key_on_its_way_is_not_for_a_screen_that_opened_meanwhile(two: Path) -> None:
    async with open_console(two, (100, 30)) as (app, _):
        await go(app, "studies")
        press(app, "enter", "escape", "enter", "enter")
        table = app.screen.query_one(DataTable)
        table.post_message(DataTable.RowSelected(table, 0, next(iter(table.rows))))  # as a click does
        press(app, "enter", *["escape"] * 4, "G")
        await until(app, lambda: name_of(app) == "gpu")


async def test_what_was_to_be_called_once_all_is_drawn_is_dropped_where_its_screen_is_gone(two: Path) -> None:
    called: list[bool] = []
    async with open_console(two, (100, 30)) as (app, pilot):
        await go(app, "data")
        screen = app.screen
        screen.call_after_refresh(lambda: called.append(is_there(screen)))
        app.pop_screen()
        await until(app, lambda: not screen.is_running)
        await pilot.pause()
    assert False not in called
