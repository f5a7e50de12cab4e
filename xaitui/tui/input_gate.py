"""One key at a time: the next one is passed on when the last has been acted on and the screen it opened stands.

A terminal sends keys in bursts: typed ahead, over a slow line, or by another program. Textual passes each on to the
widget that has the focus when it arrives, while a key before it is still on its way, and would carry out commands of a
screen that has no widgets yet.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from textual.events import Event, InputEvent, Key, Paste
from textual.message import Message

from xaitui.tui.threads import is_there

if TYPE_CHECKING:
    from textual.widget import Widget

    from xaitui.tui.app import Console


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

    async def take(self, event: InputEvent | Paste) -> None:
        """Pass an event on in its turn."""
        self._waiting.append(event)
        if self._awaited is None or not is_there(self._awaited):
            await self._open()

    async def passed(self) -> None:
        """Pass on what waits behind a key that has been acted on."""
        self._awaited = None
        await self._open()

    async def _open(self) -> None:
        """Pass on what waits, as far as that is possible; nothing where the app is about to end."""
        self._awaited = None
        while self._waiting and self._awaited is None and not self._console.is_leaving:
            if not self._console.screen.is_mounted:
                self._wait_for(self._console.screen)
                return
            event = self._waiting.popleft()
            target = self._console.focused or self._console.screen
            await self._pass_on(event)
            if isinstance(event, Key | Paste) and event.is_forwarded:
                self._wait_for(target)

    def _wait_for(self, widget: Widget) -> None:
        self._awaited = widget if widget.post_message(Passed()) else None
