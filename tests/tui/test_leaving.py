"""What becomes of a run when the console is left, on purpose or not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from textual.widgets import Static

from tests.tui.console_pilot import open_console, screen_text, until
from tests.tui.live_run import Watch, events_of_kind, slow_training, watching
from xaitui.runs.directory import RunDirectory, list_runs
from xaitui.runs.state import State, summarise
from xaitui.tui.app import ConsoleApp
from xaitui.tui.dialogs.leave import LeaveScreen


async def test_where_nothing_goes_on_it_is_left_at_once(runs_dir: Path) -> None:
    async with open_console(runs_dir) as (app, pilot):
        await pilot.press("ctrl+c")
        await until(app, lambda: not app.is_running)
    assert app.return_value == 0


async def test_cancelling_changes_nothing_and_stopping_tests_the_best_weights(runs_dir: Path) -> None:
    async with open_console(runs_dir, (80, 24), slow_training(), interval=0.2) as (app, pilot):
        watch = Watch(app)
        await watch.until_epoch(1)
        await _ask(app, pilot, "q")
        await pilot.press("c")
        await until(app, lambda: app.screen is watch.screen)
        epoch = watch.follower.last_epoch.epoch if watch.follower and watch.follower.last_epoch else 0
        await watch.until_epoch(epoch + 1)
        await _ask(app, pilot, "ctrl+q")
        await pilot.press("s")
        await until(app, lambda: app.farewell)
        run = watch.run
    assert "is stopped" in app.farewell
    summary = summarise(run)
    assert summary.state is State.STOPPED
    assert "accuracy" in summary.test


async def test_stopping_after_the_epoch_is_left_to_the_background(runs_dir: Path) -> None:
    async with open_console(runs_dir, (80, 24), slow_training(), interval=0.2) as (app, pilot):
        watch = Watch(app)
        await watch.until_epoch(1)
        await _ask(app, pilot, "q")
        await pilot.press("e")
        await until(app, lambda: app.farewell)
        run = watch.run
    async with open_console(runs_dir, (80, 24), watching(run), interval=0.2) as (app, _):
        await Watch(app).until_state("stopped")
    assert events_of_kind(run, "HandingOver", "RunResumed", "RunStopped") == ["HandingOver", "RunResumed", "RunStopped"]


async def test_a_hand_over_that_nobody_takes_up_is_said_and_the_run_can_go_on(
    runs_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho there is no room for it\nexit 3\n")
    python.chmod(0o755)
    async with open_console(runs_dir, (80, 24), slow_training(), interval=0.2) as (app, pilot):
        watch = Watch(app)
        await watch.until_epoch(1)
        monkeypatch.setattr("sys.executable", str(python))
        await _ask(app, pilot, "q")
        await pilot.press("k")
        said = app.screen.query_one(".doing", Static)  # what stands behind the dialog is seen between its lines
        await until(app, lambda: "could not be handed over" in str(said.content))
        await until(app, lambda: "there is no room for it" in screen_text(app))
        monkeypatch.undo()
        run = watch.run
        await pilot.press("escape")
        await until(app, lambda: app.screen is watch.screen and watch.stands("interrupted"))
        await pilot.press("R", "y")
        await until(app, lambda: watch.stands("running"))
        await until(app, lambda: events_of_kind(run, "RunResumed"))
        await pilot.press("S", "y")
        await watch.until_state("stopped")


async def test_leaving_while_a_run_begins_keeps_it(runs_dir: Path) -> None:
    async with open_console(runs_dir, (80, 24), slow_training(), interval=0.2) as (app, pilot):
        await until(app, lambda: app.is_training)
        await _ask(app, pilot, "q")
        await pilot.press("k")
        await until(app, lambda: app.farewell)
    (run,) = list_runs(runs_dir)
    await _stop(run, runs_dir)
    assert events_of_kind(run, "RunStarted", "HandingOver", "RunStopped")[-1] == "RunStopped"


WAITING_MODEL = """
import os
from torch import nn

def build(num_classes, in_channels, image_size):
    if os.getpid() == {pid}:
        open({gate!r}).read()
    return nn.Sequential(nn.Flatten(), nn.Linear(in_channels * image_size ** 2, num_classes))
"""


async def test_the_epoch_to_stop_after_may_be_chosen_before_the_run_has_begun(runs_dir: Path, tmp_path: Path) -> None:
    gate, model = tmp_path / "gate", tmp_path / "net.py"
    os.mkfifo(gate)  # building the model waits until it is opened for writing
    model.write_text(WAITING_MODEL.format(pid=os.getpid(), gate=str(gate)))
    first = slow_training(model__name=f"{model}:build")
    async with open_console(runs_dir, (80, 24), first, interval=0.2) as (app, pilot):
        await until(app, lambda: app.is_training)
        await _ask(app, pilot, "q")
        await pilot.press("e")
        await until(app, lambda: "handing the run over for this epoch" in screen_text(app))
        gate.write_text("open")
        await until(app, lambda: app.farewell)
    (run,) = list_runs(runs_dir)
    async with open_console(runs_dir, (80, 24), watching(run), interval=0.2) as (app, pilot):
        watch = Watch(app)
        await until(app, lambda: watch.stands("stopped") or watch.is_at(10))
        await pilot.press("S", "y")
        await watch.until_state("stopped")
    assert events_of_kind(run, "EpochFinished", "RunStopped") == ["EpochFinished", "RunStopped"]


async def _ask(app: ConsoleApp, pilot: object, key: str) -> None:
    app.simulate_key(key)
    await until(app, lambda: isinstance(app.screen, LeaveScreen))


async def _stop(run: RunDirectory, runs_dir: Path) -> None:
    async with open_console(runs_dir, (80, 24), watching(run), interval=0.2) as (app, pilot):
        watch = Watch(app)
        await watch.until_state("running")
        await pilot.press("S", "y")
        await watch.until_state("stopped")
