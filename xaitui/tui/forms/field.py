"""One setting of the form: its name, what is written, and what can be, or why that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Paste
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from xaitui.config.fields import FieldRecord
from xaitui.text import printable
from xaitui.tui.forms.choice import Choice


@dataclass(frozen=True)
class FieldState:
    """What is to be seen of a setting."""

    record: FieldRecord
    text: str
    default: str
    options: Mapping[str, str]
    """Values to choose from, each with what it means; others can be written where it is no choice."""
    changed: bool
    reason: str = ""
    """Why it is wrong; empty where it is not."""
    steps: bool = True
    """Whether the arrows choose."""

    @property
    def is_choice(self) -> bool:
        """Whether nothing but its options can be chosen."""
        return self.record.kind == "bool" or bool(self.record.choices)

    @property
    def hint(self) -> str:
        """What the choice means, or what can be written."""
        if self.is_choice or self.options.get(self.text):
            return self.options.get(self.text, "")
        return ", ".join(self.options) if self.options and self.record.kind == "int" else self.record.range

    @property
    def help(self) -> str:
        """One line for the field that has the focus."""
        default = f" Default: {self.default}." if self.default else ""
        keys = " Enter lists what is known." if self.options and self.record.kind != "bool" else ""
        return f"{self.record.help}{default}{keys}"


def _suggester(state: FieldState) -> SuggestFromList | None:
    return SuggestFromList(list(state.options)) if state.options else None


class FieldInput(Input):
    """An input on one line that leaves whole command lines to the screen."""

    def on_paste(self, event: Paste) -> None:
        """Let a line of a shell pass by; anything else is written here."""
        if is_command_line(event.text):
            event.prevent_default()


def is_command_line(text: str) -> bool:
    """Whether somebody who pastes this means the whole form."""
    words = text.removeprefix("$").split(maxsplit=2)
    return words[:2] == ["xaitui", "train"]


class FieldRow(Horizontal):
    """A setting in the form."""

    BINDINGS: ClassVar[list[BindingType]] = [("up", "go(-1)", "the field before"), ("down", "go(1)", "the next field")]

    class Edited(Message):
        """Something was written or chosen."""

        def __init__(self, path: str, text: str) -> None:
            super().__init__()
            self.path, self.text = path, text

    class Listed(Message):
        """The list of its options is wanted."""

        def __init__(self, state: FieldState) -> None:
            super().__init__()
            self.state = state

    class Left(Message):
        """The focus is to go on from here."""

        def __init__(self, row: FieldRow, by: int) -> None:
            super().__init__()
            self.row, self.by = row, by

    def __init__(self, state: FieldState, *, ascii_only: bool = False) -> None:
        super().__init__()
        self.state = state
        self._label = Static(classes="label", markup=False)
        self._note = Static(classes="note", markup=False)
        self.editor = self._editor(ascii_only)

    def _editor(self, ascii_only: bool) -> Input | Choice:
        state = self.state
        if state.is_choice:
            return Choice(state.options, state.text, steps=state.steps, ascii_only=ascii_only)
        return FieldInput(compact=True)

    def compose(self) -> ComposeResult:
        """Name, value and note, side by side."""
        yield self._label
        yield self.editor
        yield self._note

    def on_mount(self) -> None:
        """Fill in what was given."""
        self.show(self.state)

    def show(self, state: FieldState, *, typed: bool = False) -> None:
        """Show another state of the same setting; `typed` says that it comes from the editor, which may be further."""
        self.state = state
        self.set_class(state.changed, "-changed")
        self.set_class(bool(state.reason), "-wrong")
        self._label.update(Content(f"{'*' if state.changed else ' '}{state.record.label}"))
        self._note.update(Content(printable(state.reason or state.hint)))
        if typed and self.editor.has_focus:
            return
        if isinstance(self.editor, Choice):
            self.editor.show(state.options, state.text)
        else:
            self._write(self.editor)

    def _write(self, editor: Input) -> None:
        """Bring the input in line; control characters of a text from outside are shown as escapes."""
        editor.placeholder = printable(self.state.default)
        editor.suggester = _suggester(self.state)
        if editor.value != printable(self.state.text):
            with editor.prevent(Input.Changed):
                editor.value = printable(self.state.text)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Pass on what was written."""
        event.stop()
        self.post_message(self.Edited(self.state.record.path, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter lists what is known, or goes on."""
        event.stop()
        self.post_message(self.Listed(self.state) if self.state.options else self.Left(self, 1))

    def on_input_blurred(self, event: Input.Blurred) -> None:
        """An emptied number shows its default again."""
        event.stop()
        if not event.value:
            self._write(event.input)

    def on_choice_changed(self, event: Choice.Changed) -> None:
        """Pass on what was chosen."""
        event.stop()
        self.post_message(self.Edited(self.state.record.path, event.value))

    def on_choice_opened(self, event: Choice.Opened) -> None:
        """Ask for the list."""
        event.stop()
        self.post_message(self.Listed(self.state))

    def action_go(self, by: int) -> None:
        """Go to another field."""
        self.post_message(self.Left(self, by))
