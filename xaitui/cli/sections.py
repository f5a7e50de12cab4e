"""Help whose options stand under headings: a command's own first, then those of each group of settings."""

from __future__ import annotations

import re
from typing import Any

from typer.core import TyperCommand, TyperGroup


class SectionedCommand(TyperCommand):
    """A command whose help has a section for each panel of its options."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options."""
        _write_sections(self, ctx, formatter)


class SectionedGroup(TyperGroup):
    """A group of commands whose help has a section for each panel of its own options."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options, then the commands."""
        _write_sections(self, ctx, formatter)
        self.format_commands(ctx, formatter)


def _write_sections(command: TyperCommand | TyperGroup, ctx: Any, formatter: Any) -> None:
    sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
    for parameter in command.get_params(ctx):
        row = parameter.get_help_record(ctx)
        if row is not None:
            own = "Arguments" if parameter.param_type_name == "argument" else "Options"
            heading = getattr(parameter, "rich_help_panel", None) or own
            sections.setdefault(heading, []).append((row[0], _NOTES.sub(_kept_whole, row[1])))
    for heading, rows in sections.items():
        if rows:
            with formatter.section(heading):
                formatter.write_dl(rows, col_max=NAMES_WIDTH)
    formatter.buffer = [text.replace(_SPACE, " ").replace(_HYPHEN, "-") for text in formatter.buffer]


NAMES_WIDTH = 27
"""Columns of the names; a longer one has a line of its own."""
_NOTES = re.compile(r"\[[^\[]*\]$")
_SPACE, _HYPHEN = "\N{NO-BREAK SPACE}", "\N{NON-BREAKING HYPHEN}"


def _kept_whole(notes: re.Match[str]) -> str:
    """Keep names and the default from being broken over two lines."""
    return notes[0].replace("default: ", f"default:{_SPACE}").replace("-", _HYPHEN)
