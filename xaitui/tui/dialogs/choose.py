"""A list to choose from, over another screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from xaitui.text import printable
from xaitui.tui.dialogs.dialog import Dialog, Options
from xaitui.tui.palette import MUTED


class ChooseScreen(Dialog[str]):
    """Some values, each with what it means; its result is the one that was chosen."""

    BINDINGS: ClassVar = [("escape,q", "dismiss", "back")]

    def __init__(self, title: str, options: Mapping[str, str], current: str) -> None:
        super().__init__()
        self._title, self._options, self._current = title, options, current

    def compose(self) -> ComposeResult:
        """A heading, the list, and the whole of what the option under the cursor means."""
        with Vertical(classes="choices"):
            yield Static(printable(self._title), classes="heading", markup=False)
            yield Options(*self._lines(), markup=False, compact=True)
            yield Static(classes="meaning", markup=False)

    def _lines(self) -> list[Option]:
        width = max(map(len, self._options), default=0) + 2
        return [
            Option(Content.assemble(f"{printable(value):<{width}}", (printable(meaning), MUTED)))
            for value, meaning in self._options.items()
        ]

    def on_mount(self) -> None:
        """Begin at what is chosen now."""
        values = list(self._options)
        self.query_one(OptionList).highlighted = values.index(self._current) if self._current in values else 0

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Say all that the list may cut off."""
        event.stop()
        meaning = list(self._options.values())[event.option_index]
        self.query_one(".meaning", Static).update(Content(printable(meaning)))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take it."""
        event.stop()
        self.dismiss(list(self._options)[event.option_index])
