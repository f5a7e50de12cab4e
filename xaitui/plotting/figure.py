"""Figures and drawings as plain records, which are exchanged between processes as JSON."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from xaitui.text import printable

AXIS, MARK, CURSOR = -1, -2, -3
"""Colours of the parts that are not series: frame and text, the line at the best epoch, the cursor."""

Cells = Literal["braille", "block", "ascii"]
Span = tuple[str, int]
"""Text, and its colour: the index of a series' colour, or one of the three above."""
Drawing = list[list[Span]]
"""The rows of a plot, each as wide as was asked for."""


@dataclass(frozen=True)
class Line:
    """A series of a plot: `x` and `y` are equally long; a point that is not finite is left out of the drawing."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    colour: int = 0
    joined: bool = True
    """Whether a line leads from point to point; if not, each is a dot."""


@dataclass(frozen=True)
class Figure:
    """Everything that determines a drawing, except its size."""

    title: str
    lines: tuple[Line, ...]
    x_label: str = "step"
    log: bool = False
    mark: float | None = None
    cursor: float | None = None
    cells: Cells = "braille"


def to_wire(figure: Figure) -> dict[str, Any]:
    """The figure as JSON types, for `from_wire`; shares the figure's sequences."""
    return {**vars(figure), "lines": [vars(line) for line in figure.lines]}


def from_wire(wire: dict[str, Any]) -> Figure:
    """The figure that `to_wire` described."""
    return Figure(**{**wire, "lines": tuple(Line(**line) for line in wire["lines"])})


def one_row(text: str, width: int) -> Drawing:
    """A drawing of one row that says something instead of showing a plot."""
    text = fitted(printable(text), width)
    return [[(text + " " * (width - cells_of(text)), AXIS)]]


def cells_of(text: str) -> int:
    """How many cells a printable text takes: two for a wide character, none for one that joins the one before."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in ("W", "F") for char in text)
    return len(text) + wide - sum(unicodedata.category(char) in ("Mn", "Me", "Cf") for char in text)


def fitted(text: str, cells: int, cut: str = "") -> str:
    """The text, or as much of its beginning as fits into so many cells together with the sign of a cut."""
    if cells_of(text) <= cells:
        return text
    while text and cells_of(text) + cells_of(cut) > cells:
        text = text[:-1]
    return text + cut if cells_of(text + cut) <= cells else ""
