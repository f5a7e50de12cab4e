"""Figures for paper and web: made of plain numbers, and the same bytes each time. No state of pyplot is touched."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xaitui.system.atomic_files import write_atomic
from xaitui.text import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLE = {
    "text.parse_math": False,  # a dollar in a name is a dollar
    "svg.fonttype": "none",  # text stays text, to be searched and read aloud
    "svg.hashsalt": "xaitui",
    "font.size": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
}
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")
"""Told apart with any sight of colours (Okabe and Ito 2008)."""
DASHES = ("-", "--", ":", "-.")
"""Of the first series of each colour, the second, and so on."""
NOTE_COLOUR = "#a00000"
DOTS_PER_INCH = 150

MARKED = 40
"""Points up to which each is marked."""
LEGEND_ROWS = 8
"""Series up to which the legend stands inside the axes."""
LABEL_LENGTH = 24
NUMBERED, NAMED = 16, 60
"""Classes up to which the cells of a confusion matrix have their numbers, and its axes the names."""


@dataclass(frozen=True)
class Series:
    """A line: `x` and `y` are equally long, and so are the limits of its band where it has one."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None


def curve_figure(series: Sequence[Series], *, title: str, x_label: str, y_label: str, note: str = "") -> Figure:
    """Lines over one another; a point that is nan is a gap.

    Args:
        series: the lines; the legend names them in this order, but not a single one without a label.
        title: what is shown.
        x_label: the horizontal axis, with its unit.
        y_label: the vertical axis, with its unit.
        note: what a reader must know before he believes the figure ("5 % of the training images"), drawn into it.
    """
    from matplotlib.ticker import MaxNLocator

    with _style():
        figure, axes = _empty_figure((7.0, 4.2), title, note)
        for index, each in enumerate(series):
            _draw_series(axes, each, index)
        axes.set_xlabel(printable(x_label))
        axes.set_ylabel(printable(y_label))
        if all(float(x).is_integer() for each in series for x in each.x):  # there is no half epoch
            axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
        if any(each.label for each in series):
            _draw_legend(axes, series)
        return figure


def confusion_figure(matrix: NDArray[np.int64], classes: Sequence[str], title: str, note: str = "") -> Figure:
    """Which class was taken for which: colour and first number are per cent of the true class, below it the images.

    Args:
        matrix: images of true class (rows) by predicted class (columns), of shape (C, C).
        classes: the names, C of them.
        title: what is shown.
        note: as in `curve_figure`.
    """
    counts = np.asarray(matrix)
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    side = min(max(3.0, 0.62 * len(classes)), 14.0)
    with _style():
        figure, axes = _empty_figure((side + 1.8, side + 1.6), title, note)
        axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
        axes.grid(visible=False)
        if len(classes) <= NUMBERED:
            _draw_numbers(axes, counts, shares)
        names = [_shortened(name) for name in classes] if len(classes) <= NAMED else []
        axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(names)), names)
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
        return figure


def save_figure(figure: Figure, stem: Path) -> tuple[Path, Path]:
    """Write a figure as ``stem.png`` and ``stem.svg``, each whole or not at all; the same figure gives the same bytes.

    Raises:
        OSError: they cannot be written.
    """
    paths = stem.with_name(f"{stem.name}.png"), stem.with_name(f"{stem.name}.svg")
    write_atomic(paths[0], _rendered(figure, "png", {"Software": None}))
    write_atomic(paths[1], svg_text(figure))
    return paths


def svg_text(figure: Figure) -> str:
    """A figure as the text of an SVG file, which needs no font and no script of its own."""
    return _rendered(figure, "svg", {"Date": None, "Creator": None}).decode()


def _rendered(figure: Figure, format: str, metadata: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    with _style(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)  # a box stands for it in the PNG
        figure.savefig(file, format=format, dpi=DOTS_PER_INCH, metadata=metadata)
    return file.getvalue()


@contextmanager
def _style() -> Iterator[None]:
    """Our settings instead of those of the user's matplotlibrc, which may ask for TeX."""
    import matplotlib.style

    with matplotlib.style.context(STYLE, after_reset=True):
        yield


def _empty_figure(inches: tuple[float, float], title: str, note: str) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=inches, layout="constrained")
    axes = figure.add_subplot()
    figure.suptitle(printable(title), fontsize=12, fontweight="bold")
    if note:
        axes.set_title(printable(note), fontsize=9, color=NOTE_COLOUR, style="italic")
    return figure, axes


def _draw_series(axes: Axes, series: Series, index: int) -> None:
    colour, dashes = COLOURS[index % len(COLOURS)], DASHES[index // len(COLOURS) % len(DASHES)]
    marker = "o" if len(series.x) <= MARKED else ""
    axes.plot(series.x, series.y, color=colour, linestyle=dashes, linewidth=1.6, marker=marker, markersize=3.5)
    if series.low is not None and series.high is not None:
        axes.fill_between(series.x, series.low, series.high, color=colour, alpha=0.18, linewidth=0)


def _draw_legend(axes: Axes, series: Sequence[Series]) -> None:
    # a label that begins with an underscore would be left out
    labels = [
        _shortened(each.label).replace("_", "\u2009_", 1) if each.label.startswith("_") else _shortened(each.label)
        for each in series
    ]
    if len(series) <= LEGEND_ROWS:
        axes.legend(axes.lines, labels, frameon=False, fontsize=9)
    else:
        axes.legend(axes.lines, labels, frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _draw_numbers(axes: Axes, counts: NDArray[np.int64], shares: NDArray[np.float64]) -> None:
    for (row, column), count in np.ndenumerate(counts):
        if count:
            share = float(shares[row, column])
            axes.text(
                column,
                row,
                f"{100 * share:.0f} %\n{count:,}",
                ha="center",
                va="center",
                fontsize=8,
                color="white" if share > 0.5 else "black",
            )


def _shortened(text: str) -> str:
    text = printable(text)
    return text if len(text) <= LABEL_LENGTH else text[: LABEL_LENGTH - 3] + "..."
