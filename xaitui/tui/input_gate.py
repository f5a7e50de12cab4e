"""One key at a time: the next one is passed on when the last has been acted on and the screen it opened stands.

A terminal sends keys in bursts: typed ahead, over a slow line, or by another program. Textual passes each on to the
widget that has the focus when it arrives, while a key before it is still on its way, and would carry out commands of a
screen that has no widgets yet.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from textual.events import Event, InputEvent, Key, Paste
from textual.message import Message

from xaitui.tui.threads import is_there

if TYPE_CHECKING:
    from textual.screen import Screen
    from textual.widget import Widget

    from xaitui.tui.console import Console

LOOK_SECONDS = 0.05
"""Between two looks at whether what was waited for is gone."""


class Passed(Message):
    """Takes the way of a key through the widgets behind it, and so comes to the app when it has been acted on."""


class InputGate:
    """What was typed, pasted or clicked and has not been passed on yet."""

    def __init__(self, console: Console, pass_on: Callable[[Event], Awaitable[None]]) -> None:
        """Prepare an empty gate.

        Args:
            console: whose screens are looked at.
            pass_on: handles one event, as the app does without a gate.
        """
        self._console = console
        self._pass_on = pass_on
        self._waiting = deque[InputEvent | Paste]()
        self._awaited: Widget | None = None
        """Where the last key went, until it has been acted on."""
        self._looks_again = False
        self.addressed: Screen[Any] | None = None
        """The screen that the last event was passed on to."""

    @property
    def is_idle(self) -> bool:
        """Whether all that came has been acted on."""
        return not self._waiting and not self._is_under_way

    @property
    def _is_under_way(self) -> bool:
        return self._awaited is not None and is_there(self._awaited)

    async def take(self, event: InputEvent | Paste) -> None:
        """Pass an event on in its turn."""
        self._waiting.append(event)
        await self._look()

    async def passed(self) -> None:
        """Pass on what waits behind a key that has been acted on."""
        self._awaited = None
        await self._look()

    async def _look(self) -> None:
        """Pass on what waits, as far as possible; again later, for a widget that is removed takes messages with it."""
        while self._waiting and not self._is_under_way and not self._console.is_leaving:
            await self._pass_next_on()
        if self._waiting and not self._looks_again:
            self._looks_again = True
            self._console.set_timer(LOOK_SECONDS, self._look_again)

    async def _look_again(self) -> None:
        self._looks_again = False
        await self._look()

    async def _pass_next_on(self) -> None:
        screen = self._console.screen
        if not screen.is_mounted:
            self._wait_for(screen)
            return
        event, target, self.addressed = self._waiting.popleft(), self._console.focused or screen, screen
        await self._pass_on(event)
        if isinstance(event, Key | Paste) and event.is_forwarded:
            self._wait_for(target)

    def _wait_for(self, widget: Widget) -> None:
        self._awaited = widget if widget.post_message(Passed()) else None
