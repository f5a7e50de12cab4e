"""A form that is left keeps what was written in it: for the next time, and for the next console."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.tui.console_pilot import open_console, screen_text, until
from tests.tui.every_screen import name_of
from tests.tui.new_run_form import Desk
from xaitui.config.form import Form
from xaitui.studies.form import StudyForm
from xaitui.tui.app import ConsoleApp
from xaitui.tui.new_run.screen import NewRunScreen
from xaitui.tui.studies.new import NewStudyScreen
from xaitui.tui.threads import wait_for_threads


async def new_run(app: ConsoleApp) -> Desk:
    await until(app, lambda: name_of(app) == "runs" and app.screen.is_mounted)
    app.simulate_key("n")
    await until(app, lambda: isinstance(app.screen, NewRunScreen) and app.screen.is_mounted)
    at = Desk(app)
    await until(app, lambda: at.focused)
    return at


async def test_a_run_is_offered_as_it_was_left_until_it_starts_or_is_discarded(
    runs_dir: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_console(runs_dir, (80, 24)) as (app, pilot):
        at = await new_run(app)
        await at.go_to("training.epochs")
        await at.write("7")
        await at.go_to("optimizer.lr")
        await at.write("wrong")
        await until(app, lambda: at.form.texts == {"training.epochs": "7", "optimizer.lr": "wrong"})
        await pilot.press("up", "q")
        assert "esc leaves this form, ctrl+q the console; a draft is kept" in told
        await pilot.press("escape")
        assert "n opens it again" in told[-1]
        assert (await new_run(app)).form.texts == {"training.epochs": "7", "optimizer.lr": "wrong"}
    wait_for_threads()
    async with open_console(runs_dir, (80, 24)) as (app, pilot):
        at = await new_run(app)
        assert at.form.texts == {"training.epochs": "7", "optimizer.lr": "wrong"}
        await pilot.press("f4", "n")
        assert at.form.texts
        await pilot.press("f4", "y")
        await until(app, lambda: at.form == Form())
        await until(app, lambda: app.drafts.get("new") is None)
        await at.go_to("training.epochs")
        await at.write("3")
        await until(app, lambda: app.drafts.get("new") is not None)
        monkeypatch.setattr(ConsoleApp, "start_run", lambda console, config, own_process: True)
        await pilot.press("ctrl+s")
        await until(app, lambda: app.drafts.get("new") is None)


async def test_a_study_too_also_where_its_file_is_of_another_version(runs_dir: Path, told: list[str]) -> None:
    kept = Path(os.environ["XDG_STATE_HOME"]) / "xaitui" / "drafts.json"
    kept.parent.mkdir(parents=True)
    kept.write_text(json.dumps({"new": {"texts": {"gone.setting": "1", "training.epochs": 4}}, "new_study": 5}))
    async with open_console(runs_dir, (80, 24)) as (app, pilot):
        at = await new_run(app)
        assert at.form.texts == {"training.epochs": "4"}
        await pilot.press("escape", "W", "n")
        await until(app, lambda: isinstance(app.screen, NewStudyScreen) and app.screen.focused is not None)
        screen = app.screen
        assert isinstance(screen, NewStudyScreen)
        assert screen.view.form == StudyForm()
        await pilot.press(*"lr=1,2", "escape", "n")
        await until(app, lambda: "lr=1,2" in screen_text(app))
        again = app.screen
        assert isinstance(again, NewStudyScreen)
        assert again is not screen
        assert again.view.form.vary == ("lr=1,2",)
