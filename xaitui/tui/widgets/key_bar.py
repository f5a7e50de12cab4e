"""The keys of a screen, in as many lines as they need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from textual.content import Content
from textual.keys import format_key
from textual.widgets import Static

from xaitui.tui.commands import Command
from xaitui.tui.palette import MUTED

GAP = "  "


class KeyBar(Static):
    """Keys and words from the table of commands; lines break between entries, never inside one."""

    def __init__(self, commands: Sequence[Command]) -> None:
        super().__init__(markup=False)
        self._commands = commands

    def show(self, commands: Sequence[Command]) -> None:
        """Show other commands."""
        if commands != self._commands:
            self._commands = commands
            self._lay_out()

    def on_resize(self) -> None:
        """Break the lines anew."""
        self._lay_out()

    def _lay_out(self) -> None:
        entries = [(shown(row.keys), row.label) for row in self._commands if row.label]
        lines = [
            Content(GAP).join(Content.assemble((key, "bold $accent"), " ", (label, MUTED)) for key, label in line)
            for line in wrapped(entries, self.content_size.width)
        ]
        self.update(Content("\n").join(lines), layout=False)
        self.styles.height = len(lines)  # said outright: asked for while the screen is laid out, it would be lost


def wrapped(entries: Iterable[tuple[str, str]], width: int) -> list[list[tuple[str, str]]]:
    """Keys and their words in lines of at most `width` columns."""
    lines: list[list[tuple[str, str]]] = [[]]
    used = 0
    for key, label in entries:
        needed = cell_len(key) + 1 + cell_len(label)
        if lines[-1] and used + len(GAP) + needed > width:
            lines.append([])
        used = needed if not lines[-1] else used + len(GAP) + needed
        lines[-1].append((key, label))
    return lines


def shown(keys: str) -> str:
    """The first of some keys, as people write it."""
    first = keys.split(",", maxsplit=1)[0]
    return "^" + first.removeprefix("ctrl+") if first.startswith("ctrl+") else format_key(first)
