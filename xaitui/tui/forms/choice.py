"""A value out of a few, on one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from xaitui.text import printable

SWITCH = {"false": "[ ]", "true": "[x]"}
"""How the two values of a switch are drawn."""


class Choice(Static, can_focus=True):
    """Shows one of some options; the arrows step through them, enter asks for the whole list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("left", "step(-1)", "the one before"),
        ("right,space", "step(1)", "the next one"),
        ("enter", "open", "list them"),
    ]

    class Changed(Message):
        """Another option was chosen."""

        def __init__(self, value: str) -> None:
            super().__init__()
            self.value = value

    class Opened(Message):
        """The list of the options is wanted."""

    def __init__(self, options: Mapping[str, str], value: str, *, steps: bool = True, ascii_only: bool = False) -> None:
        """Show an option.

        Args:
            options: by value, what each means.
            value: the one that is shown.
            steps: whether the arrows choose; where a choice changes much, it is made in the list alone.
            ascii_only: whether only ASCII characters are drawn.
        """
        super().__init__(markup=False)
        self._steps, self._arrows = steps, ("<", ">") if ascii_only else ("‹", "›")
        self.show(options, value)

    def show(self, options: Mapping[str, str], value: str) -> None:
        """Show an option of these."""
        self.options, self.value = options, value
        left, right = self._arrows
        text = SWITCH.get(value, printable(value)) if self._is_switch else f"{left} {printable(value)} {right}"
        self.update(Content(text))

    @property
    def _is_switch(self) -> bool:
        return self.options.keys() == SWITCH.keys()

    def action_step(self, by: int) -> None:
        """Choose the option before or after this one."""
        values = list(self.options)
        if not self._steps or not values:
            return
        at = values.index(self.value) + by if self.value in values else 0
        self._choose(values[at % len(values)])

    def action_open(self) -> None:
        """Ask for the list; a switch is turned instead."""
        if self._is_switch:
            self.action_step(1)
        else:
            self.post_message(self.Opened())

    def on_click(self) -> None:
        """As enter does."""
        self.action_open()

    def _choose(self, value: str) -> None:
        self.show(self.options, value)
        self.post_message(self.Changed(value))
