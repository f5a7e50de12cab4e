"""The table of commands, against the screens that it speaks of."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.console_pilot import open_console, screen_text, until
from xaitui.tui.app import ConsoleApp
from xaitui.tui.commands import COMMANDS, commands_of
from xaitui.tui.compare.screen import CompareScreen
from xaitui.tui.datasets.screen import DataScreen
from xaitui.tui.dialogs.help import HelpScreen
from xaitui.tui.evaluation.mistakes import MistakesScreen
from xaitui.tui.evaluation.screen import EvaluateScreen
from xaitui.tui.explain.screen import ExplainScreen
from xaitui.tui.explain.training import TrainingMapsScreen
from xaitui.tui.explain.two_runs import TwoRunsScreen
from xaitui.tui.gpu.screen import GpuScreen
from xaitui.tui.live.enlarged_plot import PlotScreen
from xaitui.tui.live.screen import LiveScreen
from xaitui.tui.new_run.screen import NewRunScreen
from xaitui.tui.runs.screen import RunsScreen
from xaitui.tui.screen import ConsoleScreen
from xaitui.tui.studies.list import StudiesScreen
from xaitui.tui.studies.new import NewStudyScreen
from xaitui.tui.studies.screen import StudyScreen
from xaitui.tui.widgets.key_bar import GAP, shown, wrapped

SCREENS: dict[str, type[ConsoleScreen]] = {
    screen.NAME: screen
    for screen in (
        TwoRunsScreen,
        CompareScreen,
        DataScreen,
        EvaluateScreen,
        ExplainScreen,
        GpuScreen,
        LiveScreen,
        MistakesScreen,
        NewRunScreen,
        NewStudyScreen,
        PlotScreen,
        RunsScreen,
        StudiesScreen,
        StudyScreen,
        TrainingMapsScreen,
    )
}


def test_every_command_has_its_method() -> None:
    seen = 0
    for row in COMMANDS:
        owner: type = ConsoleApp if row.screen == "app" else SCREENS[row.screen]
        assert hasattr(owner, "action_" + row.action.partition("(")[0]), row
        seen += 1
    assert seen == len(COMMANDS) > 60


@pytest.mark.parametrize("name", SCREENS)
def test_no_key_means_two_things_on_a_screen(name: str) -> None:
    keys = [key for row in commands_of(name) for key in row.keys.split(",")]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("name", SCREENS)
@pytest.mark.parametrize("width", [58, 78, 158])
def test_the_key_bar_loses_no_entry(name: str, width: int) -> None:
    entries = [(shown(row.keys), row.label) for row in commands_of(name) if row.label]
    lines = wrapped(entries, width)
    assert [entry for line in lines for entry in line] == entries
    assert all(len(GAP.join(f"{key} {label}" for key, label in line)) <= width for line in lines)


async def test_the_help_names_every_command_of_a_screen(runs_dir: Path) -> None:
    async with open_console(runs_dir, (100, 60)) as (app, pilot):
        await until(app, lambda: "No runs yet" in screen_text(app))
        await pilot.press("question_mark")
        await until(app, lambda: isinstance(app.screen, HelpScreen))
        for row in commands_of("runs"):
            assert row.help in screen_text(app)


async def test_the_palette_has_what_may_be_done(runs_dir: Path) -> None:
    for readonly in (False, True):
        async with open_console(runs_dir, readonly=readonly) as (app, _):
            await until(app, lambda: isinstance(app.screen, RunsScreen))
            helps = {command.help for command in app.get_system_commands(app.screen)}
        wanted = {row.help for row in commands_of("runs") if row.action != "command_palette"}
        assert wanted - helps == ({row.help for row in commands_of("runs") if row.acts} if readonly else set())


async def test_the_bar_shows_each_label_at_the_smallest_size(runs_dir: Path) -> None:
    async with open_console(runs_dir, (60, 18)) as (app, _):
        await until(app, lambda: "leave" in screen_text(app))
        words = " ".join(screen_text(app).split())
        assert [row.label for row in commands_of("runs") if row.label and row.label not in words] == []
