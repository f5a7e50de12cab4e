"""Two consoles that are open on one run, and one that is asked of a run too early."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.console_pilot import open_console, screen_text, until
from tests.tui.live_run import Watch, events_of_kind, slow_training, watching
from xaitui.tui.app import ConsoleApp
from xaitui.tui.live.screen import LiveScreen
from xaitui.tui.run_controller import Launch


async def test_what_one_asks_the_other_sees(runs_dir: Path) -> None:
    async with open_console(runs_dir, (80, 24), slow_training(), interval=0.2) as (app, pilot):
        watch = Watch(app)
        await watch.until_epoch(1)
        run = watch.run
        async with open_console(runs_dir, (60, 18), watching(run), readonly=True, interval=0.2) as (other, _):
            onlooker = Watch(other)
            await onlooker.until_state("running")
            await pilot.press("p")
            await onlooker.until_state("paused")
            await until(other, lambda: onlooker.shows("paused"))
            await watch.until_state("paused")
            await pilot.press("p")
            await onlooker.until_state("running")
            await onlooker.until_epoch(3)
        async with open_console(runs_dir, (80, 24), watching(run), interval=0.2) as (other, hand):
            await Watch(other).until_state("running")
            assert not other.is_training
            await hand.press("q")
            await until(other, lambda: not other.is_running)
        assert app.is_training, "a console that only watches leaves without a word, and the run stays"
        await pilot.press("S", "y")
        await watch.until_state("stopped")
    assert events_of_kind(run, "RunPaused", "RunContinued", "RunStopped") == ["RunPaused", "RunContinued", "RunStopped"]


@pytest.mark.parametrize("key", ["p", "w", "L", "S"])
async def test_what_is_asked_before_a_process_has_begun_is_said_to_come_to_nothing(
    key: str, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(ConsoleApp, "tell", lambda app, text, severity="information": told.append(text))
    async with open_console(runs_dir, (80, 24)) as (app, pilot):
        await until(app, lambda: "No runs yet" in screen_text(app))
        await app.push_screen(LiveScreen(Launch("simple-cnn on digits", in_thread=False)))
        await pilot.press(key)
        await until(app, lambda: told)
    assert told == ["the run has not begun yet; ask again when it has"]
