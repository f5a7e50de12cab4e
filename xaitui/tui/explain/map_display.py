"""The head and the map grid of a screen, and how its maps are drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from textual.content import Content
from textual.widgets import Static

from xaitui.errors import DataError
from xaitui.runs.directory import RunDirectory
from xaitui.runs.preprocessing import read_preprocessing
from xaitui.text import printable
from xaitui.tui.explain.map_grid import Look, MapGrid, Tile, legend
from xaitui.tui.screen import ConsoleScreen
from xaitui.tui.widgets.picture import is_plain

LINES = {22: 1, 30: 4}
"""On a terminal with fewer rows, the most lines below a map."""
MOST_LINES = 8


class MapDisplay:
    """Held by a screen that yields a ``Static(classes="head")`` and a `MapGrid`."""

    def __init__(self, screen: ConsoleScreen, redraw: Callable[[], object]) -> None:
        """Prepare the display.

        Args:
            screen: whose head and maps these are.
            redraw: shows everything again, after a change of how maps are drawn.
        """
        self._screen, self._redraw = screen, redraw
        self.look = Look()
        self.title = ""
        """What the maps are of."""

    @property
    def grid(self) -> MapGrid:
        """The widget that draws the maps."""
        return self._screen.query_one(MapGrid)

    def show(self, tiles: Sequence[Tile]) -> None:
        """Show tiles in the grid."""
        lines = next((lines for rows, lines in LINES.items() if self._screen.size.height < rows), MOST_LINES)
        self.grid.show(tiles, self.look, lines)

    def legend(self, *, signed: bool, words: tuple[str, str] = ("for", "against")) -> Content:
        """The meaning of the colours; `words` are for positive and negative attributions."""
        return legend(self.look, signed=signed, plain=is_plain(self._screen.app), words=words)

    def say_head(self, *lines: Content) -> None:
        """Set the lines above the maps."""
        self._screen.query_one(".head", Static).update(Content("\n").join(lines))

    def say_progress(self, text: str) -> None:
        """Show behind the title what is being computed; an empty text where nothing is."""
        self._screen.say_title(self.title + (f"  {printable(text)}..." if text else ""))

    def toggle_absolute(self) -> None:
        """Change between signed maps and their magnitudes."""
        self.look = replace(self.look, absolute=not self.look.absolute)
        self._redraw()

    def toggle_overlay(self) -> None:
        """Change between maps over their image and maps alone."""
        self.look = replace(self.look, alone=not self.look.alone)
        self._redraw()


def class_names(run: RunDirectory) -> tuple[str, ...]:
    """The names of a run's classes, safe to show; none where they are not stored."""
    try:
        found = read_preprocessing(run.preprocessing)
    except DataError:
        return ()
    return tuple(map(printable, found.classes)) if found is not None else ()


def class_name(names: Sequence[str], index: int) -> str:
    """The name of a class, or its number."""
    return names[index] if 0 <= index < len(names) else str(index)
