"""Pictures in the cells of a terminal: two pixels in each, one its foreground, the other its background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, zip_longest

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.cells import set_cell_size
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from xaitui.text import printable

Pixels = NDArray[np.uint8]
"""(H, W, C), grey or RGB."""

UPPER_HALF = "▀"
RAMP = " .:-=+*#%@"
"""Characters from dark to light, for terminals without colours or without block characters."""

_BITS = 4
"""Bits of a colour's channel: more is hardly seen, and makes a style for each cell."""
_GAP = 1
"""Columns between pictures."""


def is_plain(app: App[object]) -> bool:
    """Whether colours or block characters are not wanted."""
    return app.no_color or bool(getattr(getattr(app, "options", None), "ascii", False))


def fit(pixels: Pixels, side: int) -> Pixels:
    """Return RGB pixels of an image (H, W, C) whose longer side is at most `side`, and as near to it as suits.

    It is enlarged by whole factors only, pixel by pixel, and made smaller with a filter that covers all of it.
    """
    rgb = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    image = Image.fromarray(np.ascontiguousarray(rgb))
    factor = _factor(pixels, side)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return np.asarray(image.resize(size, Image.Resampling.NEAREST if factor >= 1 else Image.Resampling.BOX))


def _factor(pixels: Pixels, side: int) -> float:
    longer: int = max(pixels.shape[:2])
    return side // longer if longer <= side else side / longer


def strips(pixels: Pixels, *, plain: bool) -> list[Strip]:
    """Draw RGB pixels (H, W, 3): H / 2 rows of W cells."""
    if len(pixels) % 2:
        pixels = np.concatenate([pixels, np.zeros_like(pixels[:1])])
    return _ramp(pixels) if plain else _half_blocks(pixels)


def _half_blocks(pixels: Pixels) -> list[Strip]:
    most = (1 << _BITS) - 1
    coarse = ((pixels.astype(np.uint16) * most + 127) // 255 * 255 // most).tolist()
    drawn = []
    for upper, lower in zip(coarse[0::2], coarse[1::2], strict=True):
        cells = zip(map(tuple, upper), map(tuple, lower), strict=True)
        runs = [(colours, len(list(run))) for colours, run in groupby(cells)]
        drawn.append(Strip([Segment(UPPER_HALF * count, _style(*colours)) for colours, count in runs], len(upper)))
    return drawn


@lru_cache(maxsize=1 << 16)
def _style(upper: tuple[int, int, int], lower: tuple[int, int, int]) -> Style:
    return Style(color=Color.from_rgb(*upper), bgcolor=Color.from_rgb(*lower))


def _ramp(pixels: Pixels) -> list[Strip]:
    grey = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    cells = (grey[0::2] + grey[1::2]) / 2
    rows = np.rint(cells * (len(RAMP) - 1) / 255).astype(int).tolist()
    return [Strip([Segment("".join(RAMP[level] for level in row), Style())], len(row)) for row in rows]


@dataclass(frozen=True)
class Tile:
    """Pictures that belong together, side by side under one label."""

    label: str
    pictures: Sequence[Pixels]


class Arrangement:
    """Tiles in rows of `width` cells; only the rows that are asked for are drawn.

    A picture takes at most `side` columns, and less where room is short.
    """

    def __init__(self, tiles: Sequence[Tile], width: int, side: int, *, plain: bool) -> None:
        pictures = [pixels for tile in tiles for pixels in tile.pictures]
        most = max((len(tile.pictures) for tile in tiles), default=0)
        self._tiles, self._width, self._plain = tiles if pictures and width > 0 else (), width, plain
        side = max(1, min(side, (width + _GAP) // max(1, most) - _GAP))
        self._side = round(max((max(pixels.shape[:2]) * _factor(pixels, side) for pixels in pictures), default=0))
        self._cells = most * (self._side + _GAP) - _GAP
        """Columns of a tile."""
        self._columns = max(1, (width + _GAP) // (self._cells + _GAP)) if pictures else 1
        self._rows: dict[int, list[Strip]] = {}

    @property
    def height(self) -> int:
        """How many lines there are."""
        return -(-len(self._tiles) // self._columns) * self._tile_height

    @property
    def _tile_height(self) -> int:
        return 1 + -(-self._side // 2)

    def line(self, y: int) -> Strip:
        """A line of the whole, of `width` cells."""
        row, line = divmod(y, self._tile_height)
        if row not in self._rows:
            self._rows[row] = self._draw(self._tiles[row * self._columns : (row + 1) * self._columns])
        lines = self._rows[row]
        return lines[line] if line < len(lines) else Strip.blank(self._width, Style())

    def _draw(self, tiles: Sequence[Tile]) -> list[Strip]:
        blocks = zip_longest(*(self._block(tile) for tile in tiles), fillvalue=Strip([]))
        return [_beside(row, self._cells, self._width) for row in blocks]

    def _block(self, tile: Tile) -> list[Strip]:
        """A tile: its label above its pictures."""
        pictures = [strips(fit(pixels, self._side), plain=self._plain) for pixels in tile.pictures]
        rows = [_beside(row, self._side, self._cells) for row in zip_longest(*pictures, fillvalue=Strip([]))]
        return [Strip([Segment(set_cell_size(printable(tile.label), self._cells), Style())], self._cells), *rows]


def _beside(row: Sequence[Strip], cells: int, width: int) -> Strip:
    """Strips side by side, each of `cells` columns and a gap, filled or cut to `width`."""
    joined = Strip.join(strip.adjust_cell_length(cells + _GAP, Style()) for strip in row)
    return joined.adjust_cell_length(width, Style())


class PictureGrid(Widget):
    """Labelled pictures in as many columns as there is room for."""

    def __init__(self, *, side: int = 28, id: str | None = None) -> None:
        super().__init__(id=id)
        self._side = side
        self._tiles: Sequence[Tile] = ()
        self._arranged: tuple[int, Arrangement] | None = None
        """The width, and the tiles at it."""

    def show(self, tiles: Sequence[Tile]) -> None:
        """Show other pictures."""
        self._tiles = tiles
        self._arranged = None
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as the tiles need at this width."""
        return self._arrangement(width).height

    def render_line(self, y: int) -> Strip:
        """A row of the grid, on the colours of the widget."""
        arrangement = self._arrangement(self.size.width)
        row = arrangement.line(y) if y < arrangement.height else Strip.blank(self.size.width, Style())
        return row.apply_style(self.rich_style)

    def _arrangement(self, width: int) -> Arrangement:
        if self._arranged is None or self._arranged[0] != width:
            self._arranged = (width, Arrangement(self._tiles, width, self._side, plain=is_plain(self.app)))
        return self._arranged[1]


class Picture(PictureGrid):
    """One picture."""

    def __init__(self, pixels: Pixels | None = None, label: str = "", *, side: int = 56, id: str | None = None) -> None:
        super().__init__(side=side, id=id)
        if pixels is not None:
            self._tiles = (Tile(label, (pixels,)),)
