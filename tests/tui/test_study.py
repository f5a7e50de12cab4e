"""A study on the screen: made of events, for any state and many trials, and one that was carried out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from textual.widgets import Static

from tests.builders.events import epoch_finished, epoch_started, finished, started, step
from tests.builders.runs import own, write
from tests.builders.studies import ended_trial, made_study, made_trial
from tests.tui.console_pilot import open_console, screen_text, until
from xaitui.cli.app import run
from xaitui.console_options import ConsoleActions
from xaitui.events import RunFailed, RunStopped
from xaitui.runs.state import State, summarise
from xaitui.studies.folder import StudyFolder, find_study
from xaitui.studies.trials import plan
from xaitui.tui.app import ConsoleApp
from xaitui.tui.compare.screen import CompareScreen
from xaitui.tui.dialogs.confirm import ConfirmScreen
from xaitui.tui.live.screen import LiveScreen
from xaitui.tui.studies.list import StudiesScreen
from xaitui.tui.studies.new import NewStudyScreen
from xaitui.tui.studies.screen import StudyScreen
from xaitui.tui.studies.table import StudyTable
from xaitui.tui.widgets.plot import Plot

STATES = "optimizer.lr=0.001,0.002,0.003,0.004,0.005,0.006"


def opens(folder: StudyFolder) -> Callable[[ConsoleActions], None]:
    return lambda console: cast(ConsoleApp, console).open("study", folder)


def screen(app: ConsoleApp) -> StudyScreen:
    assert isinstance(app.screen, StudyScreen)
    return app.screen


def stands(app: ConsoleApp) -> Callable[[], bool]:
    return lambda: (
        isinstance(app.screen, StudyScreen) and any(table.row_count for table in app.screen.query(StudyTable))
    )


def title(app: ConsoleApp) -> str:
    figure = screen(app).query_one(Plot).figure
    return figure.title if figure is not None else ""


def column(app: ConsoleApp, number: int) -> list[str]:
    return [row.cells[number].text for row in screen(app).table.shown]


@pytest.fixture
def states(runs_dir: Path) -> StudyFolder:
    """A study with a trial in each of six states: finished twice, running, pruned, diverged, waiting."""
    folder = made_study(runs_dir, STATES, sampler="grid")
    trials = plan(folder.read())
    ended_trial(folder, trials[0], 0.7)
    ended_trial(folder, trials[1], 0.9)
    own(made_trial(folder, trials[2], started(epochs=1), epoch_started(1, 1), step(5)))
    stopped = RunStopped(
        epoch=1, step=10, reason="pruned after epoch 1: others did better by then", exit_code=0, saved=True, seconds=1.0
    )
    made_trial(folder, trials[3], started(epochs=2), epoch_started(1), epoch_finished(1, accuracy=0.1), stopped)
    failed = RunFailed(epoch=1, step=3, kind="DivergedError", message="the loss is [bold]nan", exit_code=5)
    made_trial(folder, trials[4], started(epochs=2), epoch_started(1), failed)
    return folder


@pytest.mark.parametrize("size", [(60, 18), (80, 24), (120, 40), (200, 50)])
async def test_every_state_is_a_word_and_the_best_is_named(size: tuple[int, int], states: StudyFolder) -> None:
    async with open_console(states.path.parent.parent, size, opens(states)) as (app, _):
        await until(app, stands(app))
        words = column(app, 1)
        assert [word.split(" ", 1)[1] for word in words[:4]] == ["finished", "finished", "running", "pruned"]
        assert words[5].endswith("waiting")
        assert screen(app).seen is not None
        await until(app, lambda: "best  lr=0.002  val_accuracy 0.9000" in screen_text(app))
        await until(app, lambda: "running" in screen_text(app) and "/6 over" in screen_text(app))


async def test_why_a_trial_failed_is_said_as_it_stands(states: StudyFolder) -> None:
    async with open_console(states.path.parent.parent, first=opens(states)) as (app, pilot):
        await until(app, stands(app))
        await pilot.press("down", "down", "down", "down")
        await until(app, lambda: "the loss is [bold]nan" in screen_text(app))
        await pilot.press("up")
        await until(app, lambda: "pruned: pruned after epoch 1" in screen_text(app))


async def test_trials_become_settings_over_their_seeds_and_are_sorted(runs_dir: Path) -> None:
    folder = made_study(runs_dir, "optimizer.lr=0.001,0.01", sampler="grid", seeds=2)
    trials = plan(folder.read())
    for trial, accuracy in zip(trials, (0.5, 0.9, 0.6, 0.8), strict=True):
        ended_trial(folder, trial, accuracy)
    async with open_console(runs_dir, first=opens(folder)) as (app, pilot):
        await until(app, stands(app))
        assert column(app, 0) == [" 1", " 2", " 3", " 4"]
        await pilot.press("s", "s")
        assert column(app, 2) == ["0.9000", "0.8000", "0.6000", "0.5000"]
        await pilot.press("g")
        assert [text.split()[0] for text in column(app, 1)] == ["0.8500", "0.5500"]
        assert column(app, 4) == ["2/2", "2/2"]
        await pilot.press("enter")
        await until(app, lambda: isinstance(app.screen, CompareScreen))


async def test_each_plot_can_be_had(states: StudyFolder) -> None:
    async with open_console(states.path.parent.parent, first=opens(states)) as (app, pilot):
        await until(app, stands(app))
        assert title(app) == "val_accuracy of the best trials"
        figure = screen(app).query_one(Plot).figure
        assert figure is not None
        assert {line.label for line in figure.lines} == {"#1", "#2"}, "a running trial has no epoch yet"
        await pilot.press("v")
        assert title(app) == "val_accuracy by lr"
        await pilot.press("v", "y")
        assert title(app) == "best val_accuracy so far, log scale"
        figure = screen(app).query_one(Plot).figure
        assert figure is not None
        assert list(figure.lines[0].y)[-1] == 0.9
        await pilot.press("z")
        assert not screen(app).table.display
        await pilot.press("escape")
        assert screen(app).table.display


async def test_settings_that_are_no_numbers_have_places_and_names(runs_dir: Path) -> None:
    folder = made_study(runs_dir, "optimizer.name=adam,sgd", "optimizer.lr=1e-4,1e-1", sampler="grid")
    for trial, accuracy in zip(plan(folder.read()), (0.5, 0.6, 0.7, 0.9), strict=True):
        ended_trial(folder, trial, accuracy)
    async with open_console(runs_dir, first=opens(folder)) as (app, pilot):
        await until(app, stands(app))
        await pilot.press("p")
        assert title(app) == "val_accuracy by optimizer: 1 adam, 2 sgd"
        figure = screen(app).query_one(Plot).figure
        assert figure is not None
        mean, dots = figure.lines
        assert (list(mean.x), [round(value, 9) for value in mean.y]) == ([1.0, 2.0], [0.55, 0.8])
        assert (len(dots.x), dots.joined) == (4, False)
        await pilot.press("p")
        figure = screen(app).query_one(Plot).figure
        assert figure is not None
        assert (figure.x_label, [round(place) for place in figure.lines[0].x]) == ("log10 lr", [-4, -1])
        await pilot.press("P")
        assert "1 adam" in title(app)
        assert screen(app).seen is not None
        await until(app, lambda: "share of the variance" in screen_text(app))


async def test_a_trial_is_opened_and_marked_ones_are_compared(states: StudyFolder, told: list[str]) -> None:
    async with open_console(states.path.parent.parent, first=opens(states)) as (app, pilot):
        await until(app, stands(app))
        await pilot.press("enter")
        await until(app, lambda: isinstance(app.screen, LiveScreen))
        await pilot.press("escape")
        await until(app, stands(app))
        await pilot.press("c")
        assert told == ["mark two trials or more that have begun with space to compare them"]
        await pilot.press("space", "space")
        assert column(app, 0)[:3] == ["◆1", "◆2", " 3"]
        await pilot.press("c")
        await until(app, lambda: isinstance(app.screen, CompareScreen))
        assert isinstance(app.screen, CompareScreen)
        assert len(app.screen.followers) == 2
        await pilot.press("escape")
        await until(app, stands(app))
        await pilot.press("ctrl+end", "enter")
        assert told[1:] == ["it has not begun yet"]


async def test_what_is_new_is_followed_and_the_cursor_stays(states: StudyFolder) -> None:
    run = states.run(plan(states.read())[2].id)
    async with open_console(states.path.parent.parent, first=opens(states)) as (app, pilot):
        await until(app, stands(app))
        await pilot.press("down", "down")
        write(run, step(10), epoch_finished(1, accuracy=0.95), finished(epoch=1, step=10, best=0.95, best_epoch=1))
        await until(app, lambda: "best  lr=0.003  val_accuracy 0.9500" in screen_text(app))
        assert screen(app).table.cursor_row == 2
        assert column(app, 1)[2].endswith("finished")


async def test_a_study_is_asked_to_stop_once_it_is_confirmed(states: StudyFolder, told: list[str]) -> None:
    async with open_console(states.path.parent.parent, first=opens(states)) as (app, pilot):
        await until(app, stands(app))
        await pilot.press("R", "F")
        assert told == ["it is running", "it is running; retry failed trials when it has ended"]
        await pilot.press("S")
        await until(app, lambda: isinstance(app.screen, ConfirmScreen) and app.screen.query("#no"))
        await pilot.press("n")
        assert not states.stop.exists()
        await pilot.press("S")
        await until(app, lambda: isinstance(app.screen, ConfirmScreen) and app.screen.query("#no"))
        await pilot.press("y")
        await until(app, lambda: states.stop.exists() and "stopping" in screen_text(app))


async def test_many_trials_are_shown(runs_dir: Path) -> None:
    folder = made_study(runs_dir, "optimizer.lr=1e-4..1e-1:log", sampler="random", trials=200)
    for number, trial in enumerate(plan(folder.read())):
        ended_trial(folder, trial, number / 200)
    async with open_console(runs_dir, (80, 24), opens(folder)) as (app, pilot):
        await until(app, stands(app))
        await until(app, lambda: "200/200 over" in screen_text(app))
        figure = screen(app).query_one(Plot).figure
        assert figure is not None
        assert len(figure.lines) == 8
        await pilot.press("s", "s")
        assert column(app, 2)[0] == "0.9950"


async def test_ascii_draws_nothing_else(states: StudyFolder) -> None:
    async with open_console(states.path.parent.parent, (100, 30), opens(states), ascii=True) as (app, pilot):
        await until(app, stands(app))
        await pilot.press("space", "v")
        await until(app, lambda: "val_accuracy by lr" in screen_text(app))
        texts = [cell.text for row in screen(app).table.shown for cell in row.cells]
        texts += [str(static.content) for static in app.screen.query(Static)]
        assert all(text.isascii() for text in texts if "⏎" not in text), [t for t in texts if not t.isascii()]


async def test_the_studies_are_listed_and_one_that_is_damaged_says_so(states: StudyFolder, told: list[str]) -> None:
    broken = made_study(states.path.parent.parent, name="broken-one")
    broken.definition.write_text("[")
    async with open_console(states.path.parent.parent) as (app, pilot):
        await until(app, lambda: "No runs yet" in screen_text(app))
        await pilot.press("W")
        await until(app, lambda: isinstance(app.screen, StudiesScreen) and "4/6" in screen_text(app))
        assert "0.9000" in screen_text(app)
        assert "damaged" in screen_text(app)
        await pilot.press("enter" if "broken" not in _under_cursor(app) else "down")
        if isinstance(app.screen, StudiesScreen):
            await pilot.press("enter")
        await until(app, stands(app))
        await pilot.press("n")
        await until(app, lambda: isinstance(app.screen, NewStudyScreen) and "--name=rates" in screen_text(app))


def _under_cursor(app: ConsoleApp) -> str:
    assert isinstance(app.screen, StudiesScreen)
    assert app.screen.folder is not None
    return app.screen.folder.name


@pytest.fixture
def carried_out(runs_dir: Path) -> StudyFolder:
    """A study of two trainings that the command carried out."""
    words = [
        "sweep",
        "--vary=optimizer.lr=0.001,0.01",
        "--sampler=grid",
        "--epochs=1",
        "--fraction=0.1",
        "--name=real",
        "--test=none",
        f"--runs-dir={runs_dir}",
    ]
    assert run(words) == 0
    return find_study("real", runs_dir)


async def test_a_study_of_the_command_is_gone_on_with(carried_out: StudyFolder) -> None:
    """One of its trials is taken away; the console has it run again, in a process of its own."""
    lost = carried_out.run(plan(carried_out.read())[1].id)
    shutil.rmtree(lost.path)
    async with open_console(carried_out.path.parent.parent, first=opens(carried_out)) as (app, pilot):
        await until(app, lambda: "1/2 over" in screen_text(app))
        await pilot.press("R", "y")
        await until(app, lambda: "2/2 over" in screen_text(app))
        await until(app, lambda: not app.studies.is_running(carried_out))
        assert summarise(lost).state is State.FINISHED
