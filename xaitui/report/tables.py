"""Tables as text: Markdown for people, CSV for programs."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from xaitui.text import printable

ALIGNED = 40
"""Width up to which cells are brought in line."""
_MARKUP = re.compile(r"[\\`*<\[\]|]")


@dataclass(frozen=True)
class Table:
    """Cells as people read them; every row is as long as the header.

    Raises:
        ValueError: one is not.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __post_init__(self) -> None:
        if any(len(row) != len(self.header) for row in self.rows):
            raise ValueError(f"every row has {len(self.header)} cells, as the header has")


def to_markdown(table: Table) -> str:
    """The table in GitHub's form, its columns in line for whoever reads the source; nothing in a cell is markup."""
    lines = [[markdown_text(cell) for cell in row] for row in (table.header, *table.rows)]
    widths = [min(max(3, *map(len, column)), ALIGNED) for column in zip(*lines, strict=True)]
    rows = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in lines]
    rule = " | ".join("-" * width for width in widths)
    return "".join(f"| {row} |\n" for row in (rows[0], rule, *rows[1:]))


def to_csv(table: Table) -> str:
    """The table as RFC 4180 has it, but for line ends of one character."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([table.header, *table.rows])
    return text.getvalue()


def markdown_text(text: object) -> str:
    """Text that stands for itself in Markdown, on one line."""
    return _MARKUP.sub(r"\\\g<0>", printable(text))
