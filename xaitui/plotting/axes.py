"""Layout of a plot: the limits of its axes, their ticks, and the cells of the canvas. No plotext in here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xaitui.plotting.figure import Figure

LARGEST = 1e300
"""Values beyond it are drawn at it, so that no difference of two values overflows."""
SMALLEST = 1e-300
"""The least distance of ticks, and the least value on a log scale."""
LARGEST_POWER = 305.0
"""Where a log scale ends, at either side: ten to its limits is still a number."""
MINOR = 5
"""Limits are rounded outwards to a fifth of a tick's step: they stand still while points arrive."""
ROWS_PER_TICK, COLUMNS_PER_TICK = 4, 14
ROWS_FOR_FRAME = 9
"""From this height on, a plot has a line above the x labels."""
TIME_UNITS = ((2 * 86400, "d", 86400.0), (2 * 3600, "h", 3600.0), (120, "min", 60.0), (0, "s", 1.0))
"""From which span of seconds on time is counted in which unit."""

Point = tuple[float, float]
Tick = tuple[float, str]


@dataclass(frozen=True)
class Axis:
    """The values at the centres of the first and the last cell, low < high, and ticks between them."""

    low: float
    high: float
    ticks: tuple[Tick, ...] = ()

    def fraction(self, value: float) -> float:
        """Where a value lies, 0 at `low` and 1 at `high`."""
        return (value - self.low) / (self.high - self.low)

    def cell(self, value: float, cells: int) -> int:
        """The number of the cell, of so many, that shows a value; a value outside gives a number outside."""
        fraction = max(-1.0, min(2.0, self.fraction(value)))  # a place far outside is beyond what can be rounded
        return math.floor(fraction * (cells - 1) + 0.5)

    def value(self, cell: int, cells: int) -> float:
        """The value at the centre of a cell."""
        return self.low + (self.high - self.low) * cell / max(cells - 1, 1)


@dataclass(frozen=True)
class Layout:
    """A plot's points in the units of its axes, and how its width and height are shared out."""

    points: tuple[tuple[Point, ...], ...]
    x: Axis
    y: Axis
    unit: str
    scale: float
    gutter: int
    columns: int
    rows: int
    framed: bool


def layout(figure: Figure, width: int, height: int) -> Layout | None:
    """Lay out a figure in so many cells; None where it has no point that can be drawn."""
    points = [_drawable(line.x, line.y, figure.log) for line in figure.lines]
    unit, scale = _unit(figure, points)
    points = [[(x / scale, y) for x, y in line] for line in points]
    if not any(points):
        return None
    framed = height >= ROWS_FOR_FRAME
    rows = max(height - (3 if framed else 2 if height > 2 else height - 1), 1)
    y_values = [y for line in points for _, y in line]
    y = (_log_axis if figure.log else _linear_axis)(min(y_values), max(y_values), max(rows // ROWS_PER_TICK, 1))
    gutter = max((len(label) for _, label in y.ticks), default=0)
    gutter = gutter if gutter + 8 <= width else 0
    columns = max(width - gutter - bool(gutter), 1)
    x_values = [x for line in points for x, _ in line]
    x = _linear_axis(min(x_values), max(x_values), max(columns // COLUMNS_PER_TICK, 1), keep_low=True)
    return Layout(tuple(map(tuple, points)), x, y, unit, scale, gutter, columns, rows, framed)


def number(value: float, digits: int = 4) -> str:
    """A short text of a number: whole ones in full below 100,000, others with so many significant digits."""
    if value == int(value) and abs(value) < 1e5:
        return str(int(value))
    return f"{value:.{digits}g}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")


def _drawable(x: Sequence[float], y: Sequence[float], log: bool) -> list[Point]:
    finite = [(_bounded(a), _bounded(b)) for a, b in zip(x, y, strict=False) if math.isfinite(a) and math.isfinite(b)]
    return [(a, math.log10(max(b, SMALLEST))) for a, b in finite if b > 0] if log else finite


def _bounded(value: float) -> float:
    return min(max(float(value), -LARGEST), LARGEST)


def _unit(figure: Figure, points: Iterable[Sequence[Point]]) -> tuple[str, float]:
    if figure.x_label != "time":
        return figure.x_label, 1.0
    longest = max((abs(x) for line in points for x, _ in line), default=0.0)
    return next((f"time ({name})", seconds) for least, name, seconds in TIME_UNITS if longest >= least)


def _linear_axis(low: float, high: float, intervals: int, keep_low: bool = False) -> Axis:
    """An axis with about so many intervals between ticks, or with more where there would be less than two ticks."""
    low, high = _apart(low, high)
    axis = Axis(low, high)
    for finer in (1, 2, 4):
        step = _nice((high - low) / (intervals * finer))
        rounded = _outwards(low, high, step)
        first = low if keep_low else rounded[0]
        count = range(math.ceil(first / step - 1e-6), math.floor(rounded[1] / step + 1e-6) + 1)
        axis = Axis(first, rounded[1], _labelled([n * step for n in count]))
        if len(axis.ticks) > 1:
            break
    return axis


def _log_axis(low: float, high: float, intervals: int) -> Axis:
    """An axis of logarithms to base 10 whose labels are the numbers themselves."""
    low, high = _apart(low, high, reach=0.5)
    low, high = _outwards(low, high, _nice((high - low) / intervals))
    low, high = max(low, -LARGEST_POWER), min(high, LARGEST_POWER)
    decades = high - low
    if decades < 1:
        values = [value for value, _ in _linear_axis(10**low, 10**high, intervals).ticks if value > 0]
    elif decades < 2:
        parts = (1, 2, 5) if intervals >= 3 * decades else (1, 3)
        values = [part * 10.0**power for power in range(math.floor(low), math.ceil(high)) for part in parts]
    else:
        every = max(math.floor(decades / max(intervals, 2)), 1)
        values = [10.0**power for power in range(math.ceil(low / every) * every, math.floor(high) + 1, every)]
    ticks = [(math.log10(value), label) for value, label in _labelled(values)]
    return Axis(low, high, tuple(tick for tick in ticks if low <= tick[0] <= high))


def _outwards(low: float, high: float, step: float) -> tuple[float, float]:
    minor = step / MINOR
    return min(math.floor(low / minor + 1e-9) * minor, low), max(math.ceil(high / minor - 1e-9) * minor, high)


def _apart(low: float, high: float, reach: float = 0.0) -> tuple[float, float]:
    """The same limits, or, where all values are equal or nearly so, some around them."""
    if high - low > 1e-9 * max(abs(low), abs(high)):
        return low, high
    reach = reach or abs(low) / 10 or 0.5
    return low - reach, high + reach


def _nice(step: float) -> float:
    """The next of 1, 2, 2.5, 5 and 10 times a power of ten that is no smaller."""
    power = 10.0 ** math.floor(math.log10(max(step, SMALLEST)))
    return next((factor * power for factor in (1, 2, 2.5, 5) if factor * power >= step * (1 - 1e-9)), 10 * power)


def _labelled(values: Sequence[float]) -> tuple[Tick, ...]:
    """Values with labels, written with as few digits, four or more, as tell them apart."""
    labels: list[str] = []
    for digits in range(4, 17):
        labels = [number(value, digits) for value in values]
        if len(set(labels)) == len(labels):
            break
    return tuple(zip(values, labels, strict=True))
