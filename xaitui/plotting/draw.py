"""A figure as rows of coloured text: plotext draws the lines, the frame around them is drawn here.

plotext 6 is only ever given points of the canvas, in cells: its kernel ends the whole process (std::bad_alloc) at a
value far outside the limits of an axis, and its own axes and legend take more time than its lines.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import plotext

from xaitui.plotting.axes import Layout, Point, layout
from xaitui.plotting.figure import AXIS, CURSOR, MARK, Drawing, Figure, Line, Span, cells_of, fitted, one_row

RAISED = (
    ValueError,
    TypeError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RuntimeError,
    MemoryError,
    ctypes.ArgumentError,
)
"""What plotext is known to raise, or could; a plot that cannot be drawn must not end what shows it."""

FIRST_COLOUR = 16
"""Series k is drawn in plotext's colour 16 + k, which is read back from its output."""
COLOURED = re.compile(r"\x1b\[(?:38;5;)?(\d+)m")


@dataclass(frozen=True)
class Glyphs:
    """The characters of a plot: a marker for each series in turn, the parts of the frame, the vertical lines."""

    markers: tuple[str, ...]
    lone: tuple[str, ...]
    side: str
    side_tick: str
    corner: str
    floor: str
    floor_tick: str
    mark: str
    cursor: str
    cut: str


BOX = {"side": "│", "side_tick": "┤", "corner": "└", "floor": "─", "floor_tick": "┬", "mark": "┊", "cursor": "│"}
ASCII_MARKERS = tuple("*+ox#@%&")
GLYPHS = {
    "braille": Glyphs(markers=("braille",), lone=("•",), **BOX, cut="…"),
    "block": Glyphs(markers=("hd",), lone=("▪",), **BOX, cut="…"),
    "ascii": Glyphs(
        markers=ASCII_MARKERS,
        lone=ASCII_MARKERS,
        side="|",
        side_tick="+",
        corner="+",
        floor="-",
        floor_tick="+",
        mark=":",
        cursor="|",
        cut="~",
    ),
}


def draw(figure: Figure, width: int, height: int) -> Drawing:
    """Draw a figure in at most `height` rows of exactly `width` cells; it never raises.

    The points should be thinned to about one a column before. Where there is nothing to draw, or plotext fails, the
    drawing is one row that says so.
    """
    if width < 1 or height < 1:
        return []
    try:
        plan = layout(figure, width, height)
        if plan is None:
            return one_row(_nothing(figure), width)
        return _rows(figure, plan, GLYPHS[figure.cells], width, height)
    except RAISED as error:
        return one_row(f"plot: {type(error).__name__}: {error}", width)


def _nothing(figure: Figure) -> str:
    some = any(math.isfinite(y) for line in figure.lines for y in line.y)
    return f"{figure.title}: {'nothing above zero, as a log scale needs' if some and figure.log else 'no data yet'}"


def _rows(figure: Figure, plan: Layout, glyphs: Glyphs, width: int, height: int) -> Drawing:
    rows: Drawing = [_title(figure, glyphs, width)] if height > 1 else []
    labels = {plan.rows - 1 - plan.y.cell(value, plan.rows): label for value, label in plan.y.ticks}
    for number, cells in enumerate(_canvas(figure, plan, glyphs)):
        side = [(_side(plan, labels.get(number), glyphs), AXIS)] if plan.gutter else []
        rows.append(_joined([*side, *cells]))
    if plan.framed:
        rows.append([(_floor(plan, glyphs), AXIS)])
    if height > 2:
        rows.append([(_x_labels(plan, width), AXIS)])
    return rows


def _canvas(figure: Figure, plan: Layout, glyphs: Glyphs) -> list[list[Span]]:
    """The rows of the canvas, cell by cell, with the vertical lines where nothing else is."""
    rows = [_cells(row) for row in _plotted(plan, figure.lines, glyphs).split("\n")[: plan.rows]]
    for x, glyph, colour in ((figure.mark, glyphs.mark, MARK), (figure.cursor, glyphs.cursor, CURSOR)):
        column = plan.x.cell(x / plan.scale, plan.columns) if x is not None and math.isfinite(x) else -1
        if 0 <= column < plan.columns:
            for row in rows:
                if row[column][0] == " " or row[column][1] == MARK:
                    row[column] = (glyph, colour)
    return rows


def _plotted(plan: Layout, lines: Sequence[Line], glyphs: Glyphs) -> str:
    """The lines drawn by plotext: rows that end in a newline, with colours as terminal codes."""
    plotext.terminal.limit(False, False)
    figure = plotext.figure
    figure.clear.data()
    figure.plot_size(plan.columns, plan.rows)
    figure.axes(False).canvas("default").legend(False)
    figure.ruler("both", "both").ticks([]).alignment(lim="edge")
    figure.ruler(0, "both").lim(0, plan.columns)
    figure.ruler(1, "both").lim(0, plan.rows)
    for number, (points, line) in enumerate(zip(plan.points, lines, strict=True)):
        if points:
            shapes = glyphs.markers if line.joined and len(points) > 1 else glyphs.lone
            marker = plotext.marker(shapes[number % len(shapes)], plotext.pixel(foreground=FIRST_COLOUR + line.colour))
            figure.draw(figure.signal(*_in_cells(points, plan), marker=marker).lines(line.joined))
    return str(figure.build().string())


def _in_cells(points: Iterable[Point], plan: Layout) -> tuple[list[float], list[float]]:
    """Points in cells of the canvas, from its lower left corner; no value lies outside it."""
    across, up = plan.columns - 1, plan.rows - 1
    places = [(plan.x.fraction(x) * across + 0.5, plan.y.fraction(y) * up + 0.5) for x, y in points]
    return [x for x, _ in places], [y for _, y in places]


def _cells(row: str) -> list[Span]:
    """One span for each cell of a row with terminal codes."""
    parts = COLOURED.split(row)
    codes = [0, *map(int, parts[1::2])]
    return [(char, code - FIRST_COLOUR) for text, code in zip(parts[0::2], codes, strict=True) for char in text]


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Neighbours of one colour in one span; blanks go with what stands before them, for they show no colour."""
    row: list[Span] = []
    for colour, group in groupby(spans, key=lambda span: span[1] if span[0].strip() else None):
        text = "".join(part for part, _ in group)
        if row and colour in (None, row[-1][1]):
            row[-1] = (row[-1][0] + text, row[-1][1])
        else:
            row.append((text, AXIS if colour is None else colour))
    return row


def _side(plan: Layout, label: str | None, glyphs: Glyphs) -> str:
    return (label or "").rjust(plan.gutter) + (glyphs.side if label is None else glyphs.side_tick)


def _floor(plan: Layout, glyphs: Glyphs) -> str:
    line = [glyphs.floor] * plan.columns
    for value, _ in plan.x.ticks:
        line[min(plan.x.cell(value, plan.columns), plan.columns - 1)] = glyphs.floor_tick
    return (" " * plan.gutter + glyphs.corner if plan.gutter else "") + "".join(line)


def _x_labels(plan: Layout, width: int) -> str:
    """The labels of the x ticks under their ticks, as far as they do not touch, and the unit at the right."""
    room = width - len(plan.unit) - 1
    text = ""
    for value, label in plan.x.ticks:
        centre = width - plan.columns + plan.x.cell(value, plan.columns)
        begin = max(centre - len(label) // 2, 0)
        if begin > len(text) - (not text) and begin + len(label) <= room:
            text = text.ljust(begin) + label
    return (text.ljust(room) + " " + plan.unit)[:width].ljust(width)


def _title(figure: Figure, glyphs: Glyphs, width: int) -> list[Span]:
    """The title at the left and the labels of the lines, in their colours, at the right."""
    title = fitted(figure.title, width, glyphs.cut)
    room = width - cells_of(title)
    names = [_legend_name(number, figure, glyphs) for number in range(len(figure.lines))]
    if sum(cells_of(name) + 2 for name in names) > room:
        share = max(room // len(names) - 2, 3)
        names = [fitted(name, share, glyphs.cut) for name in names]
    legend: list[Span] = []
    for name, line in zip(names, figure.lines, strict=True):
        if cells_of(name) + 2 <= room:
            legend += [("  ", AXIS), (name, line.colour)]
            room -= cells_of(name) + 2
    return _joined([(title + " " * room, AXIS), *legend])


def _legend_name(number: int, figure: Figure, glyphs: Glyphs) -> str:
    label = figure.lines[number].label
    return f"{glyphs.markers[number % len(glyphs.markers)]} {label}" if figure.cells == "ascii" else label
