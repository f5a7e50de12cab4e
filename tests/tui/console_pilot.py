"""The console as a user has it, driven by keys; a test waits for what it wants to see, never for a time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from rich.segment import Segment
from textual._wait import wait_for_idle
from textual.message import Message
from textual.pilot import Pilot
from textual.strip import Strip

from xaitui.console_options import ConsoleOptions, First
from xaitui.tui.app import ConsoleApp

LOOK = 0.1
"""Seconds after which it is looked again though no message came: what is painted last is followed by none."""
DEADLINE = 45.0
"""Seconds after which a condition is said to never come; nothing is measured by it."""
HELD_UP = 2.0
"""Seconds after which a screen is no longer waited for that waits for something itself."""

_stirred: asyncio.Event


@asynccontextmanager
async def open_console(
    runs_dir: Path,
    size: tuple[int, int] = (120, 40),
    first: First = lambda console: None,
    **options: Any,
) -> AsyncIterator[tuple[ConsoleApp, Pilot[int]]]:
    """The app of a user, on a terminal of that size; `first` opens a screen at its start, as the commands do."""
    global _stirred
    _stirred = asyncio.Event()
    app = ConsoleApp(ConsoleOptions(runs_dir=runs_dir, **options), first)

    def stir(message: Message) -> None:
        del message
        _stirred.set()

    with _impatient():
        async with app.run_test(size=size, message_hook=stir) as pilot:
            yield app, pilot


@contextmanager
def _impatient() -> Iterator[None]:
    """Do not wait a second after each key for a process that trains to be idle: it never is."""

    async def wait(*seconds: float) -> None:
        trains = any(thread.name == "training" for thread in threading.enumerate())
        await wait_for_idle(*seconds, **({"max_sleep": LOOK} if trains else {}))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("textual.app.wait_for_idle", wait)
        patch.setattr("textual.pilot.wait_for_idle", wait)
        yield


async def until(app: ConsoleApp, condition: Callable[[], object]) -> None:
    """Wait until a condition holds and what the widgets asked for until then is drawn.

    The condition is evaluated after each message that any widget got, and every `LOOK` seconds.
    """

    async def wait() -> None:
        while not condition():
            _stirred.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(_stirred.wait(), LOOK)

    try:
        await asyncio.wait_for(wait(), DEADLINE)
    except TimeoutError:
        raise AssertionError(f"it never came; the screen shows:\n{screen_text(app)}") from None
    await until_drawn(app)


async def until_drawn(app: ConsoleApp) -> None:
    """Wait until every widget of the screen has asked for its new layout and the screen has made it.

    That is not waited for where the screen is left, or where a widget is held up by what it waits for itself.
    """
    if not app.is_running or not (screens := app.screen_stack):
        return
    screen, deadline = screens[-1], monotonic() + HELD_UP
    widgets = (widget.call_later for widget in screen.walk_children(with_self=True))
    for call in (*widgets, screen.call_after_refresh):
        passed = asyncio.Event()
        call(passed.set)
        while not passed.is_set() and app.is_running and screen.is_current and monotonic() < deadline:
            with suppress(TimeoutError):
                await asyncio.wait_for(passed.wait(), LOOK)


async def until_acted_on(app: ConsoleApp) -> None:
    """Wait until every key that was sent has been acted on, or the console is being left."""
    taken = asyncio.Event()
    app.call_later(taken.set)
    await until(app, lambda: app.is_leaving or (taken.is_set() and app.gate.is_idle))


def screen_rows(app: ConsoleApp) -> list[str]:
    """What is seen, row by row."""
    strips: list[Strip] = app.screen._compositor.render_strips()  # the one private name of Textual that tests rely on
    return ["".join(segment.text for segment in _segments(strip)).rstrip() for strip in strips]


def _segments(strip: Strip) -> list[Segment]:
    return list(strip)


def screen_text(app: ConsoleApp) -> str:
    """What is seen, as one text."""
    return "\n".join(screen_rows(app))
