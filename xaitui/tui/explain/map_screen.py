"""What the screens that show maps have in common: how the maps are looked at, and what their colours mean."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from textual.content import Content
from textual.widgets import Static

from xaitui.errors import DataError
from xaitui.runs.directory import RunDirectory
from xaitui.runs.preprocessing import read_preprocessing
from xaitui.text import printable
from xaitui.tui.explain.map_grid import Look, MapGrid, Tile
from xaitui.tui.polling_screen import LookingScreen

LINES = {22: 1, 30: 4}
"""Of a terminal with fewer rows, the most lines below a map."""
MOST_LINES = 8


T = TypeVar("T")


class MapScreen(LookingScreen[T]):
    """A screen whose maps are signed or absolute, over their image or alone; a subclass says what it shows."""

    def __init__(self) -> None:
        super().__init__()
        self.look_of_maps = Look()
        self.title_of_maps = ""
        """What the maps are of."""

    @abstractmethod
    def redraw(self) -> None:
        """Show everything anew, though nothing has changed but how it is looked at."""

    def show_tiles(self, tiles: Sequence[Tile]) -> None:
        """Show tiles in the grid."""
        lines = next((lines for rows, lines in LINES.items() if self.size.height < rows), MOST_LINES)
        self.query_one(MapGrid).show(tiles, self.look_of_maps, lines)

    def say_head(self, *lines: Content) -> None:
        """Say what is seen, above the maps."""
        self.query_one(".head", Static).update(Content("\n").join(lines))

    def say_progress(self, text: str) -> None:
        """Say behind the title what is being done; nothing where it is over."""
        title = self.title_of_maps + (f"  {printable(text)}..." if text else "")
        self.say_title(title)

    def action_absolute(self) -> None:
        """Change between maps with their signs and their magnitudes."""
        self.look_of_maps = replace(self.look_of_maps, absolute=not self.look_of_maps.absolute)
        self.redraw()

    def action_overlay(self) -> None:
        """Change between maps over their image and maps alone."""
        self.look_of_maps = replace(self.look_of_maps, alone=not self.look_of_maps.alone)
        self.redraw()


def class_names(run: RunDirectory) -> tuple[str, ...]:
    """The names of a run's classes, safe to show; none where they are not kept."""
    try:
        found = read_preprocessing(run.preprocessing)
    except DataError:
        return ()
    return tuple(map(printable, found.classes)) if found is not None else ()


def class_name(names: Sequence[str], index: int) -> str:
    """The name of a class, or its number."""
    return names[index] if 0 <= index < len(names) else str(index)
