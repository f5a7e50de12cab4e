"""Help whose options stand under headings: a command's own first, then those of each group of settings."""

from __future__ import annotations

import re
from typing import Any

from typer.core import TyperCommand, TyperGroup

NAMES_WIDTH = 27
"""Columns of the names; a longer one has a line of its own."""

_OWN = ("Arguments", "Options")
_NOTES = re.compile(r"\[[^\[]*\]$")
_SPACE, _HYPHEN = "\N{NO-BREAK SPACE}", "\N{NON-BREAKING HYPHEN}"


class SectionedCommand(TyperCommand):
    """A command whose help has a section for each panel of its options."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options."""
        for heading, rows in _sections(self, ctx).items():
            _write(formatter, heading, rows)


class SectionedGroup(TyperGroup):
    """A group of commands whose help has a section for each panel of its own options."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options, the commands, then the settings."""
        sections = _sections(self, ctx)
        for heading in _OWN:
            _write(formatter, heading, sections.pop(heading))
        self.format_commands(ctx, formatter)
        for heading, rows in sections.items():
            _write(formatter, heading, rows)


def _sections(command: TyperCommand | TyperGroup, ctx: Any) -> dict[str, list[tuple[str, str]]]:
    """Names and help of what a command takes, by heading."""
    sections: dict[str, list[tuple[str, str]]] = {heading: [] for heading in _OWN}
    for parameter in command.get_params(ctx):
        row = parameter.get_help_record(ctx)
        if row is not None:
            own = "Options" if parameter.param_type_name == "option" else "Arguments"
            heading = getattr(parameter, "rich_help_panel", None) or own
            sections.setdefault(heading, []).append((row[0], _NOTES.sub(_kept_whole, row[1])))
    return sections


def _write(formatter: Any, heading: str, rows: list[tuple[str, str]]) -> None:
    if rows:
        with formatter.section(heading):
            formatter.write_dl(rows, col_max=NAMES_WIDTH)
        formatter.buffer = [text.replace(_SPACE, " ").replace(_HYPHEN, "-") for text in formatter.buffer]


def _kept_whole(notes: re.Match[str]) -> str:
    """Keep names and the default from being broken over two lines."""
    return notes[0].replace("default: ", f"default:{_SPACE}").replace("-", _HYPHEN)
