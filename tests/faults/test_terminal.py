"""A console whose terminal dies, in each of its screens.

tests/tui/test_terminal.py has one whose line drops for real; terminal.py, for the long version, a tmux in every screen.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.tui.console_pilot import open_console, screen_text, until
from tests.tui.every_screen import ROUTES, go, make_two
from tests.tui.live_run import slow_training
from xaitui.runs.directory import list_runs
from xaitui.runs.state import State, summarise
from xaitui.tui.run_controller import TERMINATED
from xaitui.tui.terminal import HANG_UP


@pytest.mark.parametrize("name", ROUTES)
async def test_each_screen_lets_the_console_end_while_its_run_goes_on(name: str, runs_dir: Path) -> None:
    make_two(runs_dir)
    others = {run.id for run in list_runs(runs_dir)}
    async with open_console(runs_dir, (100, 30), slow_training(), interval=0.2) as (app, _):
        await until(app, lambda: "running" in screen_text(app))
        app.simulate_key("escape")
        await until(app, lambda: "running" in screen_text(app) and "bbbb" in screen_text(app))
        for key in ("up", "up", "up", "down"):  # to the run below the one that goes on
            app.simulate_key(key)
        await go(app, name)
        app.exit(HANG_UP)  # what the signal asks for
        await until(app, lambda: not app.is_running)
    assert app.return_value == HANG_UP
    assert app.is_training
    app.controller.ask(TERMINATED)
    app.controller.join()
    (run,) = (each for each in list_runs(runs_dir) if each.id not in others)
    summary = summarise(run)
    assert summary.state is State.STOPPED
    assert summary.why == signal.SIGTERM.name
