"""Every screen, reached by keys from the first: its bar, its help, the way back, and what --readonly leaves of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Static

from tests.builders.events import epoch_started, started, step
from tests.builders.runs import made_run, own
from tests.tui.console_pilot import open_console, screen_text, until
from tests.tui.every_screen import ROUTES, go, make_two, name_of
from xaitui.console_options import ConsoleActions
from xaitui.tui.app import ConsoleApp
from xaitui.tui.commands import COMMANDS, commands_of
from xaitui.tui.compare.screen import CompareScreen
from xaitui.tui.datasets.screen import DataScreen
from xaitui.tui.dialogs.help import HelpScreen
from xaitui.tui.evaluation.mistakes import MistakesScreen
from xaitui.tui.evaluation.screen import EvaluateScreen
from xaitui.tui.forms.field import FieldRow
from xaitui.tui.live.screen import LiveScreen
from xaitui.tui.new_run.screen import NewRunScreen
from xaitui.tui.runs.screen import RunsScreen
from xaitui.tui.screen import ConsoleScreen
from xaitui.tui.studies.list import StudiesScreen
from xaitui.tui.studies.new import NewStudyScreen
from xaitui.tui.studies.screen import StudyScreen
from xaitui.tui.widgets.key_bar import KeyBar, shown


@pytest.fixture
def two(runs_dir: Path) -> Path:
    return make_two(runs_dir)


@pytest.mark.parametrize("size", [(80, 24), (60, 18)])
@pytest.mark.parametrize("name", ROUTES)
async def test_its_bar_shows_all_it_should_and_escape_leads_back(name: str, size: tuple[int, int], two: Path) -> None:
    async with open_console(two, size) as (app, pilot):
        await go(app, name)
        assert name_of(app) == name
        assert isinstance(app.screen, ConsoleScreen)
        labels = [f"{shown(row.keys)} {row.label}" for row in app.screen.commands() if row.label]
        bar = app.screen.query_one(KeyBar)
        assert app.screen.region.contains_region(bar.region)
        await until(app, lambda: all(label in screen_text(app) for label in labels))
        while len(app.screen_stack) > 2:
            await pilot.press("escape")
        assert isinstance(app.screen, RunsScreen)


@pytest.mark.parametrize("name", ROUTES)
async def test_its_help_has_every_key_also_those_the_bar_leaves_out(name: str, two: Path) -> None:
    async with open_console(two, (80, 24)) as (app, pilot):
        await go(app, name)
        await pilot.press("f1")
        await until(app, lambda: isinstance(app.screen, HelpScreen) and app.screen.query(Static))
        lines = [str(line.content) for line in app.screen.query(Static)]
        for row in commands_of(name):
            assert any(all(shown(key) in line for key in row.keys.split(",")) and row.help in line for line in lines)
        await pilot.press("escape")
        await until(app, lambda: name_of(app) == name)


# -- looking only


def _new(console: ConsoleActions, folder: Path) -> None:
    assert isinstance(console, ConsoleApp)
    console.open("new")


def _live(console: ConsoleActions, folder: Path) -> None:
    from xaitui.runs.directory import RunDirectory

    console.open_run(RunDirectory(folder / "20260303-101010-live-cccc"))


def _data(console: ConsoleActions, folder: Path) -> None:
    assert isinstance(console, ConsoleApp)
    console.open("data")


def _studies(console: ConsoleActions, folder: Path) -> None:
    assert isinstance(console, ConsoleApp)
    console.open("studies")


def _study(console: ConsoleActions, folder: Path) -> None:
    from xaitui.studies.folder import find_study

    assert isinstance(console, ConsoleApp)
    console.open("study", find_study("rates", folder))


def _new_study(console: ConsoleActions, folder: Path) -> None:
    assert isinstance(console, ConsoleApp)
    console.open("new_study")


def _evaluate(console: ConsoleActions, folder: Path) -> None:
    from xaitui.runs.directory import RunDirectory

    assert isinstance(console, ConsoleApp)
    console.open("evaluate", RunDirectory(folder / "20260303-101010-live-cccc"))


def _mistakes(console: ConsoleActions, folder: Path) -> None:
    from xaitui.runs.directory import RunDirectory

    assert isinstance(console, ConsoleApp)
    console.open("mistakes", RunDirectory(folder / "20260302-101010-digits-bbbb"), "test")


PLACES: dict[type[ConsoleScreen], Callable[[ConsoleActions, Path], None]] = {
    RunsScreen: lambda console, folder: None,
    NewRunScreen: _new,
    LiveScreen: _live,
    DataScreen: _data,
    StudiesScreen: _studies,
    StudyScreen: _study,
    NewStudyScreen: _new_study,
    EvaluateScreen: _evaluate,
    MistakesScreen: _mistakes,
}
"""The screens that have a command which acts, and how a command line may open them."""


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The acting commands that were carried out."""
    carried: list[str] = []
    for screen in PLACES:
        for row in COMMANDS:
            if row.screen == screen.NAME and row.acts:
                action = row.action
                monkeypatch.setattr(screen, f"action_{action}", lambda self, action=action: carried.append(action))
    return carried


def test_the_screens_that_act_are_known() -> None:
    assert {row.screen for row in COMMANDS if row.acts} == {screen.NAME for screen in PLACES}


@pytest.mark.parametrize("readonly", [True, False])
@pytest.mark.parametrize("kind", PLACES, ids=lambda kind: kind.NAME)
async def test_read_only_carries_out_nothing_and_offers_nothing(
    kind: type[ConsoleScreen], readonly: bool, two: Path, done: list[str]
) -> None:
    own(made_run(two, "20260303-101010-live-cccc", started(), epoch_started(1), step(5)))
    before = _files(two)
    acting = [row for row in commands_of(kind.NAME) if row.acts]
    async with open_console(two, (100, 30), lambda app: PLACES[kind](app, two), readonly=readonly) as (app, pilot):
        await until(app, lambda: isinstance(app.screen, kind) and (app.screen.focused or kind is EvaluateScreen))
        await until(app, lambda: kind not in (NewRunScreen, NewStudyScreen) or app.screen.query(FieldRow))
        await until(app, lambda: "leave" in screen_text(app))
        await until(app, lambda: kind is not LiveScreen or "running" in screen_text(app))
        bar = {row.action for row in app.screen.commands()} if isinstance(app.screen, ConsoleScreen) else set()
        for row in acting:
            for key in row.keys.split(","):
                await pilot.press(key)
        assert app.screen.query(KeyBar)
        assert not app.is_training
    if readonly:
        assert (done, bar & {row.action for row in acting}) == ([], set())
    else:
        assert set(done) >= bar & {row.action for row in acting} != set()
    assert _files(two) == before


def _files(folder: Path) -> dict[Path, bytes]:
    """What stands in the folder of runs, the list's own memory left out."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.parent != folder}


def test_the_compare_screen_only_looks() -> None:
    assert not any(row.acts for row in commands_of(CompareScreen.NAME))
