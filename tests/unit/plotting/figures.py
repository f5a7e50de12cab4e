"""Figures and what is read from drawings."""

from __future__ import annotations

import math
from typing import Any

from xaitui.plotting.figure import Drawing, Figure, Line

STEPS = [float(step) for step in range(0, 1000, 10)]
FALLING = Line("train", STEPS, [2.0 * math.exp(-step / 300) for step in STEPS], 0)
RISING = Line("val", [0.0, 500.0, 990.0], [0.0, 1.0, 2.0], 1)


def figure(*lines: Line, **changes: Any) -> Figure:
    """A figure of some lines, or of one that falls and one that rises."""
    return Figure(**{"title": "loss", "lines": lines or (FALLING, RISING), **changes})


def text_of(drawing: Drawing) -> list[str]:
    """The rows without colours."""
    return ["".join(text for text, _ in row) for row in drawing]


def columns_of(drawing: Drawing, colour: int) -> set[int]:
    """In which columns something of a colour is seen, the title row left out."""
    cells = [[(char, part) for text, part in row for char in text] for row in drawing[1:]]
    return {column for row in cells for column, (char, part) in enumerate(row) if part == colour and char != " "}
