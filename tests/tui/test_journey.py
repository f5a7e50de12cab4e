"""What a user does from the first screen to the comparison, with keys and real training."""

from __future__ import annotations

import re
from pathlib import Path

from tests.builders.runs import finished_run
from tests.tui.console_pilot import open_console, screen_text, until
from tests.tui.live_run import Watch, events_of_kind
from tests.tui.new_run_form import Desk
from xaitui.runs.directory import list_runs
from xaitui.runs.lock import read_owner
from xaitui.tui.compare.screen import CompareScreen
from xaitui.tui.dialogs.leave import LeaveScreen
from xaitui.tui.forms.field import FieldRow
from xaitui.tui.live.screen import LiveScreen
from xaitui.tui.new_run.screen import NewRunScreen
from xaitui.tui.runs.screen import RunsScreen


async def test_choose_train_watch_leave_come_back_stop_compare(runs_dir: Path) -> None:
    finished_run(runs_dir, "20200101-000000-digits-simple-cnn-old", accuracy=0.5, settings={"training.seed": 7})
    pid = await _train_and_leave(runs_dir)
    run = list_runs(runs_dir)[0]
    async with open_console(runs_dir, (80, 24), interval=0.2) as (app, pilot):
        await until(app, lambda: "running" in screen_text(app))
        await pilot.press("enter")
        watch = Watch(app)
        await until(app, lambda: isinstance(app.screen, LiveScreen) and watch.stands("running"))
        owner = read_owner(run.lock)
        assert owner is not None
        assert owner.pid != pid
        await pilot.press("S", "y")
        await watch.until_state("stopped")
        await pilot.press("escape")
        await until(app, lambda: isinstance(app.screen, RunsScreen) and "stopped" in screen_text(app))
        await pilot.press("space", "down", "space", "c")
        await until(app, lambda: isinstance(app.screen, CompareScreen) and app.screen.comparison)
        await until(app, lambda: "baseline" in screen_text(app))
        await pilot.press(*"nnnnnnnnnnnn")  # from difference to difference, the seed among them
        await until(app, lambda: re.search(r"training\.seed +0.* 7", screen_text(app)))
    assert events_of_kind(run, "RunStarted", "HandingOver", "RunResumed", "RunStopped") == [
        "RunStarted",
        "HandingOver",
        "RunResumed",
        "RunStopped",
    ]


async def _train_and_leave(runs_dir: Path) -> int:
    """Set a run up, mend a wrong rate, watch two epochs, leave it to the background; the pid that trained it here."""
    async with open_console(runs_dir, (80, 24), interval=0.2) as (app, pilot):
        await until(app, lambda: "20200101" in screen_text(app))
        await pilot.press("n")
        await until(app, lambda: isinstance(app.screen, NewRunScreen) and app.screen.query(FieldRow))
        desk = Desk(app)
        await until(app, lambda: desk.focused)
        assert (desk.form.draft.data.dataset, desk.form.draft.model.name) == ("digits", "simple-cnn")
        await desk.go_to("optimizer.lr")
        await desk.write("2000")
        await until(app, lambda: desk.form.errors)
        assert "optimizer.lr" in desk.form.errors
        await until(app, lambda: desk.shows("up to 1000"))
        await desk.write("0.002")
        await desk.go_to("training.epochs")
        await desk.write("3000")
        await until(app, lambda: not desk.form.errors)
        await until(app, lambda: desk.shows("xaitui train --lr=0.002 --epochs=3000"))
        desk.press("ctrl+s")
        watch = Watch(app)
        await until(app, lambda: watch.follower is not None)
        await watch.until_epoch(2)
        owner = read_owner(watch.run.lock)
        assert owner is not None
        await pilot.press("q")
        await until(app, lambda: isinstance(app.screen, LeaveScreen))
        await pilot.press("k")
        await until(app, lambda: app.farewell)
        assert "goes on in the background" in app.farewell
        return owner.pid
