"""Plots among the lines of a command, in the width of the terminal, and in colours where it has some."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from xaitui.plotting.draw import ASCII_MARKERS, draw
from xaitui.plotting.figure import Cells, Figure, Line
from xaitui.text import printable

MOST, HEIGHT = 120, 16
COLOURS = ("blue", "red", "green", "magenta", "yellow", "cyan", "bright_black", "white")


def put_plot(title: str, lines: Sequence[Line], x_label: str) -> None:
    """Print a plot and what its lines are.

    Lines are of braille where the output takes it and has colours to tell them apart, else each of a letter of its own.
    """
    console = Console(file=sys.stdout, highlight=False)
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower()
    is_clear = len(lines) == 1 or (console.color_system is not None and not console.no_color)
    cells: Cells = "braille" if encoding.startswith("utf") and is_clear else "ascii"
    figure = Figure(title, tuple(lines), x_label, cells=cells)
    for row in draw(figure, min(console.width - 1, MOST), HEIGHT):
        line = Text(no_wrap=True)
        for text, colour in row:
            line.append(text, _style(colour))
        console.print(line, overflow="crop")
    for each in lines if len(lines) > 1 else ():
        letter = ASCII_MARKERS[each.colour % len(ASCII_MARKERS)] if cells == "ascii" else "-"
        line = Text(f"  {letter} {printable(each.label)}", _style(each.colour))
        console.print(line, overflow="ellipsis", no_wrap=True)


def _style(colour: int) -> str:
    return COLOURS[colour % len(COLOURS)] if colour >= 0 else ""
