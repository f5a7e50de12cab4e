"""The console over a disk that cannot be written, and over runs that are deleted while it shows them."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.disk import NEWER, OLDER, fill_folder, read_only_disk
from tests.tui.console_pilot import open_console, screen_text, until
from tests.tui.every_screen import BEYOND, name_of
from tests.tui.live_run import watching
from xaitui.runs.directory import RunDirectory
from xaitui.runs.follower import RunFollower
from xaitui.tui import threads
from xaitui.tui.app import ConsoleApp
from xaitui.tui.dialogs.help import HelpScreen
from xaitui.tui.live import screen as live


@pytest.fixture
def read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of runs, and a home, that nobody can write."""
    with read_only_disk(tmp_path / "disk") as runs_dir:
        monkeypatch.setenv("HOME", str(runs_dir.parent))
        monkeypatch.setenv("XDG_CACHE_HOME", str(runs_dir.parent / "cache"))
        yield runs_dir


async def test_the_console_shows_runs_of_a_read_only_disk_and_says_what_it_cannot_do(
    read_only: Path, told: list[str]
) -> None:
    async with open_console(read_only) as (app, pilot):
        await until(app, lambda: NEWER in screen_text(app) and app.screen.focused is not None)
        await pilot.press("enter")
        await until(app, lambda: "best 0.8" in screen_text(app))
        await pilot.press("escape", "E")
        await until(app, lambda: "accuracy" in screen_text(app))
        await pilot.press("escape", "down", "delete")
        await until(app, lambda: "Remove this run" in screen_text(app))
        await pilot.press("y")
        await until(app, lambda: told)
        await pilot.press("n")
        await until(app, lambda: "xaitui train" in screen_text(app))
        await pilot.press("ctrl+s")
        await until(app, lambda: "cannot make a run in" in screen_text(app))
    assert "Read-only file system" in told[0]


LOSES: dict[str, tuple[tuple[str, ...], str, str]] = {
    "live": (("enter",), "best 0.8", "deleted its folder was deleted or moved; esc goes back"),
    "compare": (("space", "space", "c"), "accuracy", "its folder was deleted or moved"),
    "mistakes": (("E", "m"), "2 of 10 images", "cannot be read: No such file"),
    "explain": (("X",), "1 of 2 mistakes", "its folder was deleted or moved"),
}
"""The keys that lead to a screen of a run, what is seen there, and what is said once its folder is gone."""


@pytest.mark.parametrize("name", LOSES)
async def test_a_screen_says_that_the_folder_of_its_run_was_deleted(name: str, runs_dir: Path) -> None:
    keys, before, after = LOSES[name]
    fill_folder(runs_dir)
    async with open_console(runs_dir, interval=0.05) as (app, pilot):
        await until(app, lambda: NEWER in screen_text(app) and app.screen.focused is not None)
        await press(app, keys)
        await until(app, lambda: before in screen_text(app))
        shutil.rmtree(runs_dir / NEWER)
        if name == "mistakes":  # what it shows is in memory; the images of another sample are not
            await pilot.press("down")
        await until(app, lambda: _without_spaces(after) in _without_spaces(screen_text(app)))
        while len(app.screen_stack) > 2:
            await pilot.press("escape")
        await until(app, lambda: OLDER in screen_text(app) and NEWER not in screen_text(app))


async def press(app: ConsoleApp, keys: tuple[str, ...]) -> None:
    """Press keys, each once the screen before it stands."""
    for key in keys:
        await until(app, lambda: BEYOND.get(name_of(app), "no screen") in screen_text(app))
        before = app.screen
        app.simulate_key(key)
        if key != "space":
            await until(app, lambda before=before: app.screen is not before)  # type: ignore[misc]


def _without_spaces(text: str) -> str:
    """A text wherever lines end in it."""
    return "".join(text.split())


async def test_a_share_that_hangs_holds_up_neither_keys_nor_the_end(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe that nobody writes to stands for a file of the run: who opens it waits until somebody does."""
    monkeypatch.setattr(threads, "PATIENCE", 0.05)
    monkeypatch.setattr(live, "SILENT_SECONDS", 0.05)
    fill_folder(runs_dir)
    pipe = runs_dir.parent / "pipe"
    async with open_console(runs_dir, first=watching(RunDirectory(runs_dir / NEWER)), interval=0.05) as (app, pilot):
        await until(app, lambda: "best 0.8" in screen_text(app))
        os.mkfifo(pipe)
        monkeypatch.setattr(RunFollower, "files", (pipe,))
        await until(app, lambda: "its disk does not answer" in screen_text(app))
        await pilot.press("y")
        await until(app, lambda: "log scale" in screen_text(app))
        await pilot.press("?")
        await until(app, lambda: isinstance(app.screen, HelpScreen))
    hanging = waiting()
    threads.wait_for_threads()
    assert [each.is_alive() for each in hanging] == [True]
    pipe.open("wb").close()
    hanging[0].join()


def waiting() -> list[threading.Thread]:
    """What reads for a screen."""
    return [each for each in threading.enumerate() if each.name == "console"]
