"""A confusion matrix as a heat map, with a cursor that goes from cell to cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from xaitui.metrics.confusion import row_shares
from xaitui.text import printable
from xaitui.tui.widgets.picture import is_plain

HEADER = 2
"""Rows above the cells: what is what, and the classes that were predicted."""
TALL = 3
"""Rows of a cell where there is room for it."""
WIDEST = 12
"""Columns of a cell at most."""


class ConfusionMap(Widget, can_focus=True):
    """A row for each true class, a column for each predicted one.

    A cell is shaded by the cube root of its share of the row, so that one mistake in a thousand is still seen; what
    is right and what is wrong have colours of their own. What has no room is reached by moving the cursor there.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "confusion--head",
        "confusion--zero",
        "confusion--cursor",
        "confusion--right",
        "confusion--wrong",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1,0)", "up", show=False),
        Binding("down,j", "move(1,0)", "down", show=False),
        Binding("left,h", "move(0,-1)", "left", show=False),
        Binding("right,l", "move(0,1)", "right", show=False),
        Binding("enter", "open", "open", show=False),
    ]

    class Moved(Message):
        """The cursor is at another cell, or the cells are others."""

    class Opened(Message):
        """Somebody wants to see the images of the cell under the cursor."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: NDArray[np.int64] = np.zeros((0, 0), np.int64)
        self._shares = row_shares(self._counts)
        self._names: Sequence[str] = ()
        self.cursor = (0, 0)
        """True class and predicted class."""
        self.as_shares = False
        """Whether a cell says its share of the row, not its count."""
        self._strips: list[Strip] | None = None

    def show(self, counts: NDArray[np.int64], names: Sequence[str]) -> None:
        """Show images by true (rows) and predicted class (columns), (C, C); the cursor goes to the worst mistake."""
        is_same = np.array_equal(counts, self._counts)
        self._counts, self._shares = counts, row_shares(counts)
        self._names = [printable(name) for name in names]
        wrong = counts - np.diag(np.diag(counts))
        if wrong.size and not is_same:
            row, column = np.unravel_index(int(wrong.argmax()), wrong.shape)
            self.cursor = int(row), int(column)
        self._restart()
        self.post_message(self.Moved())

    @property
    def count(self) -> int:
        """Images of the cell under the cursor."""
        return int(self._counts[self.cursor]) if self._counts.size else 0

    @property
    def share(self) -> float:
        """The part of the true class's images that they are; 0 where it has none."""
        return float(self._shares[self.cursor]) if self._counts.size else 0.0

    def toggle_shares(self) -> None:
        """Say shares of the rows instead of counts, or the other way round."""
        self.as_shares = not self.as_shares
        self._restart()

    def action_move(self, rows: int, columns: int) -> None:
        """Move the cursor; it stays inside."""
        last = len(self._counts) - 1
        if last < 0:
            return
        row, column = self.cursor
        self.cursor = min(max(row + rows, 0), last), min(max(column + columns, 0), last)
        self._restart()
        self.post_message(self.Moved())

    def action_open(self) -> None:
        """Ask for the images of the cell."""
        if self.count:
            self.post_message(self.Opened())

    def on_mount(self) -> None:
        """Take the colours of another theme when one is chosen."""
        self.app.theme_changed_signal.subscribe(self, lambda theme: self._restart())

    def on_resize(self) -> None:
        """Lay out the cells anew."""
        self._restart()

    def render_line(self, y: int) -> Strip:
        """A row of the map, on the colours of the widget."""
        if self._strips is None:
            self._strips = self._draw() if self._counts.size else []
        row = self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, Style())
        return row.adjust_cell_length(self.size.width, Style()).apply_style(self.rich_style)

    def _restart(self) -> None:
        self._strips = None
        self.refresh()

    # -- drawing

    def _draw(self) -> list[Strip]:
        texts = self._texts()
        classes = len(self._counts)
        numbered = max(map(cell_len, self._names)) >= WIDEST or not self._fits(max(map(cell_len, self._names)) + 1)
        heads = [str(index) for index in range(classes)] if numbered else list(self._names)
        names = [f"{index} {name}" for index, name in enumerate(self._names)] if numbered else self._names
        label = self._label_width(names)
        need = 1 + max(cell_len(text) for row in (heads, *texts) for text in row)
        width = max(need, min(WIDEST, (self.size.width - label - 1) // classes))
        tall = TALL if self.size.height >= HEADER + TALL * classes else 1
        rows = _window(self.cursor[0], classes, (self.size.height - HEADER) // tall)
        columns = _window(self.cursor[1], classes, (self.size.width - label - 1) // width)
        heading = "share of the true class in %" if self.as_shares else "images"
        head = self.get_component_rich_style("confusion--head")
        cursor = self.get_component_rich_style("confusion--cursor")
        strips = [Strip([Segment(f"{heading}; rows: true class, columns: predicted class", head)])]
        top = [Segment(f"{heads[at]:>{width}}", cursor if at == self.cursor[1] else head) for at in columns]
        strips.append(Strip([Segment(" " * label, Style()), *top]))
        for row in rows:
            name = Segment(set_cell_size(names[row], label), cursor if row == self.cursor[0] else head)
            for line in range(tall):
                first = name if line == tall // 2 else Segment(" " * label, Style())
                cells = self._cells(row, columns, texts[row] if line == tall // 2 else None, width)
                strips.append(Strip([first, *cells]))
        return strips

    def _fits(self, cell: int) -> bool:
        return self._label_width(self._names) + cell * len(self._counts) < self.size.width

    def _label_width(self, names: Sequence[str]) -> int:
        return min(max(map(cell_len, names)) + 1, max(8, self.size.width // 3))

    def _texts(self) -> list[list[str]]:
        zero = "." if is_plain(self.app) else "·"
        if self.as_shares:
            return [[f"{100 * share:.1f}" if share else zero for share in row] for row in self._shares.tolist()]
        return [[str(count) if count else zero for count in row] for row in self._counts.tolist()]

    def _cells(self, row: int, columns: range, texts: Sequence[str] | None, width: int) -> list[Segment]:
        """A line of a row's cells; the cursor's brackets stand in the blanks between cells."""
        cursor = self.get_component_rich_style("confusion--cursor")
        over = Style(color=cursor.color, bold=cursor.bold)
        segments = []
        here = self.cursor[1] if row == self.cursor[0] and texts is not None else -1
        for column in columns:
            style = self._shade(row, column)
            text = texts[column] if texts is not None else ""
            lead = "[" if column == here else "]" if column - 1 == here and column > columns.start else " "
            segments += [
                Segment(lead, style + over if lead != " " else style),
                Segment(f"{text:>{width - 1}}", style + over if column == here else style),
            ]
        return [*segments, Segment("]" if columns and columns[-1] == here else " ", cursor)]

    def _shade(self, row: int, column: int) -> Style:
        share = float(self._shares[row, column])
        if not share:
            return self.get_component_rich_style("confusion--zero")
        if is_plain(self.app):
            return Style(bold=row == column)
        colour = self.get_component_styles(f"confusion--{'right' if row == column else 'wrong'}").color
        shaded = self.background_colors[1].blend(colour, share ** (1 / 3))
        return Style(color=_readable(shaded).rich_color, bgcolor=shaded.rich_color)


def _readable(background: Color) -> Color:
    return background.get_contrast_text(1.0)


def _window(cursor: int, count: int, room: int) -> range:
    """As many places as there is room for, the cursor among them, in the middle where that is possible."""
    room = max(1, min(room, count))
    first = min(max(cursor - room // 2, 0), count - room)
    return range(first, first + room)
