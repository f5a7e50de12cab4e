"""A question before something that cannot be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from xaitui.text import printable
from xaitui.tui.dialogs.dialog import Dialog


class ConfirmScreen(Dialog[bool]):
    """Asks, and answers True or False; leaving it is a no."""

    AUTO_FOCUS: ClassVar = "#no"
    BINDINGS: ClassVar = [
        ("y", "answer(True)", "yes"),
        ("n,q", "answer(False)", "no"),
        ("left,up", "app.focus_previous", ""),
        ("right,down", "app.focus_next", ""),
    ]

    def __init__(self, question: str, lines: Sequence[str] = (), *, yes: str = "yes", no: str = "no") -> None:
        """Ask a question.

        Args:
            question: one line.
            lines: what it is about, as it stands outside; shown as plain text.
            yes: what the agreeing button says.
            no: what the other one says, which has the focus.
        """
        super().__init__()
        self._question = question
        self._lines = lines
        self._yes, self._no = yes, no

    def compose(self) -> ComposeResult:
        """The question, its lines, and two buttons."""
        with Vertical(classes="dialog confirm"):
            yield Static(printable(self._question), classes="heading", markup=False)
            yield Static("\n".join(map(printable, self._lines)), classes="lines", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(f"n  {self._no}", id="no", compact=True)
                yield Button(f"y  {self._yes}", id="yes", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer as the button says."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, agreed: bool) -> None:
        """Answer by key."""
        self.dismiss(agreed)
