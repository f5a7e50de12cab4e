"""The document of a report: plain records from which both HTML and Markdown are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xaitui.report.tables import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Drawing:
    """A figure, and what it shows for whoever does not see it."""

    name: str
    """Stem of its file, different for each figure of a report."""
    figure: Figure
    alt: str


@dataclass(frozen=True)
class Picture:
    """A small image with its words."""

    name: str
    """Stem of its file, different for each picture of a report."""
    png: bytes
    caption: str


Block = str | Table | Drawing | tuple[Picture, ...]
"""A paragraph, a table, a figure, or pictures beside each other."""


@dataclass(frozen=True)
class Section:
    """Blocks below a heading."""

    title: str
    blocks: Sequence[Block]
    command: str = ""
    """What makes it again."""
    folded: bool = False
    """Whether it is opened by whoever wants to see it."""


@dataclass(frozen=True)
class Report:
    """One report."""

    title: str
    warnings: Sequence[str]
    """What a reader must know first: what was cut, and what is not over."""
    sections: Sequence[Section]
    command: str
    """What makes it again."""
