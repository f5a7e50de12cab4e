"""Dialogs: screens above a screen, which are closed with a result."""

from __future__ import annotations

from functools import partial
from typing import Any

from textual.await_complete import AwaitComplete
from textual.command import CommandList, CommandPalette
from textual.screen import ModalScreen, ScreenResultType
from textual.widgets import OptionList
from textual.worker import Worker

from xaitui.tui.threads import while_there


class Dialog(ModalScreen[ScreenResultType]):
    """A modal screen that is closed once: a second answer must not close the screen below it."""

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Close it with a result, if it is open."""
        return super().dismiss(result) if self.is_active else AwaitComplete()


class Options(OptionList):
    """A list of options that has pages only where it has room: Textual counts no lines without any."""

    def action_page_up(self) -> None:
        """Go up a page."""
        if self.scrollable_content_region:
            super().action_page_up()  # type: ignore[no-untyped-call]

    def action_page_down(self) -> None:
        """Go down a page."""
        if self.scrollable_content_region:
            super().action_page_down()  # type: ignore[no-untyped-call]


class Palette(CommandPalette, Dialog[None]):
    """Textual's command palette, in a terminal of any size, with workers that end with it."""

    def run_worker(self, work: Any, *arguments: Any, **options: Any) -> Worker[Any]:
        """Begin a worker of Textual's."""
        return super().run_worker(partial(while_there, self, work), *arguments, **options)

    def _action_command_list(self, action: str) -> None:
        """Pass an action on to the list of commands."""
        if not action.startswith("page_") or self.query_one(CommandList).scrollable_content_region:
            super()._action_command_list(action)
