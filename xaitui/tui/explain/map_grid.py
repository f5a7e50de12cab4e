"""Maps of what a model looked at, in the cells of a terminal: over an image or alone, in colours or characters."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from xaitui.colormap import coloured, over, scaled
from xaitui.tui.palette import MUTED
from xaitui.tui.widgets.picture import RAMP, Pixels, fit, is_plain, strips

FOR, AGAINST = " .+#", " ,-="
"""Characters of what speaks for a class and against it, from nothing to the most, where colours cannot tell."""
LEAST_COLUMNS = 26
"""Columns of a map below which fewer maps are shown beside each other."""


@dataclass(frozen=True)
class Look:
    """How maps are looked at."""

    absolute: bool = False
    """Whether only magnitudes count."""
    alone: bool = False
    """Whether the image below a map is left out."""

    def describe(self) -> str:
        """In words."""
        return f"{'absolute' if self.absolute else 'signed'}, {'alone' if self.alone else 'over the image'}"


@dataclass(frozen=True, eq=False)
class Tile:
    """A picture, what stands above it, and what is said below it."""

    heading: Content
    image: Pixels | None = None
    """(H, W, C), as it is in the dataset."""
    attributions: NDArray[np.float32] | None = None
    """The map (H, W) over it, finite; none shows the image itself."""
    signed: bool = True
    """Whether the map has signs."""
    lines: Sequence[Content] = ()
    problem: str = ""
    """What is said in place of the picture."""


@dataclass(frozen=True)
class _Painting:
    tile: Tile = field(default_factory=lambda: Tile(Content("")))
    look: Look = field(default_factory=Look)


def pixels_of(tile: Tile, look: Look, side: int) -> Pixels:
    """The RGB pixels of a tile, its longer side at most `side`."""
    assert tile.image is not None
    if tile.attributions is None:
        return fit(tile.image, side)
    image = fit(_at_side(tile.image, tile.attributions.shape), side)
    values = _values(tile, look, image.shape)
    signed = tile.signed and not look.absolute
    return coloured(values, signed=signed) if look.alone else over(image, values, signed=signed)


def _at_side(image: Pixels, shape: tuple[int, ...]) -> Pixels:
    """An image as large as its map, where the model saw it enlarged."""
    if image.shape[0] >= shape[0]:
        return image
    grey = image.shape[2] == 1
    drawn = Image.fromarray(image[..., 0] if grey else image).resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
    return np.asarray(drawn)[..., np.newaxis] if grey else np.asarray(drawn)


def _values(tile: Tile, look: Look, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The scaled map at the size of the drawn image."""
    assert tile.attributions is not None
    values = scaled(tile.attributions, absolute=look.absolute)
    larger = shape[0] >= values.shape[0]
    resampling = Image.Resampling.NEAREST if larger else Image.Resampling.BOX
    return np.asarray(Image.fromarray(values).resize((shape[1], shape[0]), resampling), np.float32)


def signs(values: NDArray[np.float32]) -> list[Strip]:
    """Scaled values in characters, each for the mean of two pixels above each other.

    Where some are negative the characters are those of `FOR` and `AGAINST`; else a finer ramp from nothing to the most.
    """
    if len(values) % 2:
        values = np.concatenate([values, np.zeros_like(values[:1])])
    means = (values[0::2] + values[1::2]) / 2
    upper, lower = (FOR, AGAINST) if (values < 0).any() else (RAMP, RAMP)
    levels = np.rint(np.abs(means) * (len(upper) - 1)).astype(int)
    rows = np.where(means < 0, np.array(list(lower))[levels], np.array(list(upper))[levels])
    return [Strip([Segment("".join(row), Style())], len(row)) for row in rows.tolist()]


class MapPicture(Widget):
    """The picture of a tile, as large as fits into both directions."""

    def __init__(self) -> None:
        super().__init__()
        self._painting = _Painting()
        self._strips: list[Strip] | None = None

    def show(self, tile: Tile, look: Look) -> None:
        """Show another tile, or the same in another way."""
        self._painting, self._strips = _Painting(tile, look), None
        self.refresh()

    def on_resize(self) -> None:
        """Fit it anew."""
        self._strips = None

    def rows_within(self, width: int, height: int) -> int:
        """How many rows it takes where there are so many columns and rows."""
        tile, side = self._painting.tile, min(width, 2 * height)
        if tile.image is None or tile.problem or side < 1:
            return height
        image = _at_side(tile.image, tile.attributions.shape) if tile.attributions is not None else tile.image
        return min(-(-len(fit(image, side)) // 2), height)

    def render_line(self, y: int) -> Strip:
        """A row of the picture, on the colours of the widget."""
        if self._strips is None:
            self._strips = self._draw()
        row = self._strips[y] if y < len(self._strips) else Strip([])
        return row.adjust_cell_length(self.size.width, Style()).apply_style(self.rich_style)

    def _draw(self) -> list[Strip]:
        tile, look = self._painting.tile, self._painting.look
        side = min(self.size.width, 2 * self.size.height)
        if tile.problem and side > 0:
            lines = textwrap.wrap(tile.problem, self.size.width)
            return [Strip([Segment(line, Style())], cell_len(line)) for line in lines]
        if tile.image is None or side < 1:
            return []
        if not is_plain(self.app):
            return strips(pixels_of(tile, look, side), plain=False)
        if tile.attributions is None:
            return strips(pixels_of(tile, look, side), plain=True)
        shape = fit(_at_side(tile.image, tile.attributions.shape), side).shape
        values = _values(tile, replace(look, absolute=look.absolute or not tile.signed), shape)
        return signs(values)


class MapColumn(Vertical):
    """A tile as widgets."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[Tile, Look, int] | None = None
        self._stands = False

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Static(classes="heading", markup=False)
        yield MapPicture()
        yield Static(classes="lines", markup=False)

    def on_mount(self) -> None:
        """Show what was to be shown before there was anything to show it."""
        self._stands = True
        if self._shown is not None:
            self.show(*self._shown)

    def show(self, tile: Tile, look: Look, height: int) -> None:
        """Show a tile, with the first of its lines in so many rows below it."""
        self._shown = tile, look, height
        if not self._stands:
            return
        self.query_one(".heading", Static).update(tile.heading)
        self.query_one(MapPicture).show(tile, look)
        lines = self.query_one(".lines", Static)
        lines.styles.height = height
        lines.display = height > 0
        lines.update(Content("\n").join(tile.lines[:height]))
        self._fit()

    def on_resize(self) -> None:
        """Give the picture the room it takes, so that the lines stand below it."""
        if self._stands and self._shown is not None:
            self._fit()

    def _fit(self) -> None:
        picture, (_, _, height) = self.query_one(MapPicture), self._shown or (None, None, 0)
        room = self.size.height - 1 - height
        if room > 0:
            picture.styles.height = picture.rows_within(self.size.width, room)


class MapGrid(Container):
    """Tiles beside each other, in as many columns as there is room for; those that have none are left out."""

    def __init__(self) -> None:
        super().__init__()
        self._most_rows, self._least = 1, LEAST_COLUMNS
        self._tiles: Sequence[Tile] = ()
        self._look = Look()
        self._lines = 0

    @property
    def room(self) -> int:
        """How many tiles are seen at once."""
        return self._columns * self._most_rows

    def width_of(self, tiles: int) -> int:
        """Columns of each of so many tiles."""
        columns = self._columns_of(tiles)
        return max(1, (self.size.width + 1) // columns - 1)

    def _columns_of(self, tiles: int) -> int:
        return min(self._columns, -(-min(tiles, self.room) // self._most_rows)) or 1

    @property
    def _columns(self) -> int:
        return max(1, (self.size.width + 1) // (self._least + 1))

    def show(self, tiles: Sequence[Tile], look: Look, lines: int = 0) -> None:
        """Show other tiles, each with at most so many lines, and all pictures equally high."""
        self._tiles, self._look, self._lines = tiles, look, lines
        self._lay_out()

    def set_room(self, rows: int, least: int | None = None) -> None:
        """Allow another number of rows, and tiles that are narrower, or as usual."""
        self._most_rows, self._least = rows, least or LEAST_COLUMNS

    def on_resize(self) -> None:
        """Show more or fewer."""
        self._lay_out()

    def _lay_out(self) -> None:
        if not self.size.width or not self.is_attached:
            return
        shown = self._tiles[: self.room]
        columns = self._columns_of(len(shown))
        self.styles.grid_size_columns = columns
        self.styles.grid_size_rows = -(-len(shown) // columns) or 1
        height = min(self._lines, max((len(tile.lines) for tile in shown), default=0))
        present = [*self.query(MapColumn)]
        new = [MapColumn() for _ in shown[len(present) :]]
        self.mount_all(new)
        for number, column in enumerate([*present, *new]):
            column.display = number < len(shown)
            if column.display:
                column.show(shown[number], self._look, height)


def legend(look: Look, *, signed: bool, plain: bool, words: tuple[str, str]) -> Content:
    """What the colours of maps, or their characters, mean; `words` are for what is positive and what is negative."""
    if not signed or look.absolute:
        return Content() if plain else Content.assemble(("■", "#ff9a2e"), (" where it looked", MUTED))
    signs = ((FOR[1:], ""), (AGAINST[1:], "")) if plain else (("■", "#f0302c"), ("■", "#3d7ff0"))
    return Content.assemble(signs[0], (f" {words[0]} ", MUTED), signs[1], (f" {words[1]}", MUTED))
