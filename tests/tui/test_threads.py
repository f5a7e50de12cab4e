"""What a thread brings too late, for a screen that is being left, ends its worker and nothing else."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from textual.app import App, ComposeResult
from textual.screen import Screen
from textual.widgets import Static

from xaitui.tui.threads import in_thread, work


class Late(Screen[None]):
    """Waits in a thread until its widget is being taken away, and then would show what it got."""

    def __init__(self) -> None:
        super().__init__()
        self.release, self.released, self.outcome = threading.Event(), asyncio.Event(), asyncio.Event()
        self.shown: list[str] = []

    def compose(self) -> ComposeResult:
        yield Leaving("leaving", id="leaving")

    @work()
    async def look(self, *, leaves: bool, fails: bool = False) -> None:
        try:
            self.shown.append(await in_thread(self._wait, fails) if leaves else await in_thread("at once".upper))
        except OSError as error:
            self.shown.append(str(error))
        finally:
            self.outcome.set()

    @work()
    async def listen(self) -> None:
        """Wait for what is no thread."""
        try:
            await self.released.wait()
            self.shown.append("too late")
        finally:
            self.outcome.set()

    def _wait(self, fails: bool) -> str:
        self.release.wait()
        if fails:
            raise OSError("too late")
        return "too late"


class Leaving(Static):
    """Holds its screen's leaving up until the worker has had its say."""

    async def on_unmount(self) -> None:
        screen = self.screen
        assert isinstance(screen, Late)
        screen.release.set()
        screen.released.set()
        await screen.outcome.wait()


async def test_a_screen_that_stands_gets_what_it_waited_for() -> None:
    app, screen = App[None](), Late()
    async with app.run_test():
        await app.push_screen(screen)
        screen.look(leaves=False)
        await screen.outcome.wait()
        assert screen.shown == ["AT ONCE"]


@pytest.mark.parametrize(
    "begin",
    [lambda screen: screen.look(leaves=True), lambda screen: screen.look(leaves=True, fails=True), Late.listen],
    ids=["result", "error", "no thread"],
)
async def test_a_screen_that_is_left_is_not_shown_what_comes_too_late(begin: Callable[[Late], object]) -> None:
    app, screen = App[None](), Late()
    async with app.run_test():
        await app.push_screen(screen)
        begin(screen)
        await app.pop_screen()
    assert screen.outcome.is_set()
    assert screen.shown == []


async def test_an_app_that_ends_is_not_held_up() -> None:
    app, screen = App[None](), Late()
    async with app.run_test():
        await app.push_screen(screen)
        screen.look(leaves=True)
    assert screen.outcome.is_set()
    assert screen.shown == []


HANGS = """
import threading
from xaitui.tui import threads

threads.PATIENCE = 0.1
threads.begin_thread(threading.Event().wait)
print("left", end="")
if not threads.wait_for_threads():
    threads.end_process(3)
"""


def test_a_thread_that_hangs_does_not_hold_the_process_up() -> None:
    done = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "left", "")
