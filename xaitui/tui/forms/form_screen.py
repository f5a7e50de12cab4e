"""Screens with a form: its draft is kept, the help of a field and the command line of the form are shown."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import DescendantFocus
from textual.widget import Widget
from textual.widgets import Static

from xaitui.text import printable
from xaitui.tui.forms.field import FieldRow
from xaitui.tui.palette import MUTED
from xaitui.tui.screen import ConsoleScreen


class FormScreen(ConsoleScreen):
    """A subclass yields `help_line()` and `command_line()` among its widgets."""

    AUTO_FOCUS: ClassVar = ""  # the form sets the focus once its fields are there
    _written: Mapping[str, Any] | None = None
    """The record of the form; None until it is shown."""

    @property
    @abstractmethod
    def empty_record(self) -> Mapping[str, Any]:
        """The record of an empty form."""

    @abstractmethod
    def start_over(self) -> None:
        """Show an empty form."""

    # -- the draft

    def keep_draft(self, written: Mapping[str, Any]) -> None:
        """Keep the record of the form once it was changed; an empty form is not kept."""
        before, self._written = self._written, written
        if before is None or written == before:
            return
        if written == self.empty_record:
            self.console.drafts.discard(self.NAME)
        else:
            self.console.drafts.keep(self.NAME, written)

    def back(self) -> bool:
        """Tell that the draft is kept."""
        if self.console.drafts.get(self.NAME) is not None:
            self.console.tell("this form is kept as a draft; n opens it again")
        return False

    def action_discard(self) -> None:
        """Empty the form, if confirmed."""
        self.ask(
            "Discard this draft?",
            "Every setting goes back to its default.",
            yes="discard",
            no="keep",
            then=self.start_over,
        )

    def action_stay(self) -> None:
        """Tell how the form and the console are left."""
        self.console.tell("esc leaves this form, ctrl+q the console; a draft is kept")

    # -- help and command line

    def help_line(self) -> Iterable[Widget]:
        """The line for the help of the field that has the focus."""
        yield Static(id="help", markup=False)

    def command_line(self) -> Iterable[Widget]:
        """The lines for the command that does the same as the form."""
        with VerticalScroll(id="line"):
            yield Static(markup=False)

    def show_command(self, text: str, colour: str) -> None:
        """Show the command that does the same as the form."""
        line = Content.assemble(("$ ", MUTED), (printable(text), colour))
        self.query_one("#line Static", Static).update(line)
        self._show_help(self.focused)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Show the help of the field."""
        self._show_help(event.widget)

    def _show_help(self, widget: Widget | None) -> None:
        row = next((node for node in widget.ancestors if isinstance(node, FieldRow)), None) if widget else None
        self.query_one("#help", Static).update("" if row is None else Content(printable(row.state.help)))

    def copy_command(self, text: str) -> None:
        """Copy a command line."""
        self.app.copy_to_clipboard(text)
        self.console.tell("copied")
