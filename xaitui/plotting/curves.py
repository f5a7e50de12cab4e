"""Figures of the curves of runs, and the values of curves at a position."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

from xaitui.plotting.figure import Cells, Figure, Line
from xaitui.runs.journal.series import Curve, XAxis, smooth, thin

T = TypeVar("T")

X_AXES: tuple[XAxis, ...] = get_args(XAxis)
SMOOTHINGS = (0.0, 0.6, 0.9)
"""Weights of the exponential mean: off, a little, a lot."""


@dataclass(frozen=True)
class NamedCurve:
    """A curve, its name in the legend, and which of the series' colours it has."""

    label: str
    curve: Curve
    colour: int = 0


@dataclass(frozen=True)
class Curves:
    """The curves of one plot over one x axis, and the place of the best epoch on it."""

    lines: tuple[NamedCurve, ...]
    mark: float | None = None


Source = Callable[[XAxis], Curves]
"""Returns the current curves over an axis."""


ViewField = Literal["x", "smoothing", "log"]


@dataclass(frozen=True)
class View:
    """The x axis, the smoothing and the scale with which curves are drawn."""

    x: XAxis = "step"
    smoothing: float = 0.0
    log: bool = False

    def changed(self, field: ViewField) -> View:
        """A copy with the next value of one field; the first value follows the last."""
        match field:
            case "x":
                return dataclasses.replace(self, x=_next(X_AXES, self.x))
            case "smoothing":
                return dataclasses.replace(self, smoothing=_next(SMOOTHINGS, self.smoothing))
            case "log":
                return dataclasses.replace(self, log=not self.log)

    def describe(self) -> str:
        """Description of the smoothing and the log scale; empty if neither is on."""
        words = ["log scale"] if self.log else []
        return ", ".join([*words, f"smoothed by {self.smoothing}"] if self.smoothing else words)


@dataclass(frozen=True)
class Reading:
    """The value of a curve at a position; None before its first point."""

    label: str
    colour: int
    value: float | None


def smoothed(curves: Curves, view: View) -> Curves:
    """The curves, smoothed by the weight of the view."""
    lines = (dataclasses.replace(line, curve=smooth(line.curve, view.smoothing)) for line in curves.lines)
    return dataclasses.replace(curves, lines=tuple(lines))


def figure_of(
    title: str, curves: Curves, view: View, columns: int, cells: Cells = "braille", cursor: float | None = None
) -> Figure:
    """A figure of already smoothed curves, with at most one point per column."""
    lines = [(line, thin(line.curve, max(columns, 1))) for line in curves.lines]
    return Figure(
        title=title,
        lines=tuple(Line(line.label, curve.x.tolist(), curve.y.tolist(), line.colour) for line, curve in lines),
        x_label=view.x,
        log=view.log,
        mark=curves.mark,
        cursor=cursor,
        cells=cells,
    )


def read_at(curves: Curves, x: float) -> tuple[float | None, list[Reading]]:
    """Values of the curves at a position: of the last point there or before.

    Returns:
        The position of the last of these points, and the readings in the order of the curves.
    """
    last: float | None = None
    readings = []
    for line in curves.lines:
        index = int(line.curve.x.searchsorted(x, side="right")) - 1
        value = float(line.curve.y[index]) if index >= 0 else None
        readings.append(Reading(line.label, line.colour, value))
        if index >= 0:
            last = max(float(line.curve.x[index]), last if last is not None else float("-inf"))
    return last, readings


def _next(values: Sequence[T], value: T) -> T:
    return values[(values.index(value) + 1) % len(values)] if value in values else values[0]
