"""Help: the keys of a screen."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from xaitui.tui.commands import Command, commands_of
from xaitui.tui.dialogs.dialog import Dialog
from xaitui.tui.widgets.key_bar import shown

KEYS = 14
"""Columns of the keys."""


class HelpScreen(Dialog[None]):
    """The commands of one screen, and those that work everywhere."""

    BINDINGS: ClassVar = [("escape,question_mark,f1,q,enter", "dismiss", "back")]

    def __init__(self, name: str) -> None:
        super().__init__()
        self._screen_name = name

    def compose(self) -> ComposeResult:
        """A scrolling list of keys."""
        with VerticalScroll(classes="dialog"):
            yield Static(Content.from_text("Keys; esc goes back", markup=False), classes="heading")
            for row in commands_of(self._screen_name):
                yield Static(_line(row))


def _line(row: Command) -> Content:
    keys = " ".join(shown(key) for key in row.keys.split(","))
    return Content.assemble((f"{keys:<{KEYS}}", "bold $accent"), row.help)
