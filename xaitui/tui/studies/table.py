"""The table of a study as a widget: cells change in place, and the cursor keeps to its row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text
from textual.widgets import DataTable

from xaitui.tui.palette import series_colours

if TYPE_CHECKING:
    from xaitui.tui.studies.rows import Cell, StudyRow


class StudyTable(DataTable[Text]):
    """Rows of trials, or of settings."""

    def __init__(self) -> None:
        super().__init__(cursor_type="row")
        self.shown: Sequence[StudyRow] = ()
        self._titles: Sequence[str] = ()
        self._widths: list[int] = []

    @property
    def row(self) -> StudyRow | None:
        """The row under the cursor."""
        return self.shown[self.cursor_row] if 0 <= self.cursor_row < len(self.shown) else None

    def on_mount(self) -> None:
        """Take the colours of another theme when one is chosen."""
        self.app.theme_changed_signal.subscribe(self, lambda theme: self._make(self._titles, self.shown))

    def show(self, titles: Sequence[str], rows: Sequence[StudyRow]) -> None:
        """Change the cells that differ from what is shown; where rows, columns or widths do, make the table anew."""
        keys = [row.key for row in rows]
        alike = titles == self._titles and keys == [row.key for row in self.shown]
        if not alike or _widths(titles, rows) != self._widths:
            self._make(titles, rows)
            return
        before, self.shown = self.shown, rows
        for old, new in zip(before, rows, strict=True):
            for column, (was, cell) in enumerate(zip(old.cells, new.cells, strict=True)):
                if was != cell:
                    self.update_cell(new.key, str(column), self._text(cell))

    def _make(self, titles: Sequence[str], rows: Sequence[StudyRow]) -> None:
        """Columns are given their widths: those that Textual finds by itself come later than the first cells drawn."""
        kept, place = self.row, self.cursor_row
        self.shown, self._titles, self._widths = rows, titles, _widths(titles, rows)
        self.clear(columns=True)
        for index, (title, width) in enumerate(zip(titles, self._widths, strict=True)):
            self.add_column(title, key=str(index), width=width)
        for row in rows:
            self.add_row(*map(self._text, row.cells), key=row.key)
        keys = [row.key for row in rows]
        at = keys.index(kept.key) if kept is not None and kept.key in keys else max(0, min(place, len(rows) - 1))
        self.move_cursor(row=at, animate=False)

    def _text(self, cell: Cell) -> Text:
        theme = self.app.get_css_variables()
        tones = {
            "good": theme["text-success"],
            "warning": theme["text-warning"],
            "bad": theme["text-error"],
            "marked": f"bold {theme['text-accent']}",
            "muted": theme["text-muted"],
        }
        style = tones.get(cell.tone, "")
        if cell.series >= 0 and not style:
            colours = series_colours(self.app.theme)
            style = f"bold {colours[cell.series % len(colours)]}"
        return Text(cell.text, style=style, no_wrap=True)


def _widths(titles: Sequence[str], rows: Sequence[StudyRow]) -> list[int]:
    """How wide each column has to be."""
    return [
        max(cell_len(text) for text in (title, *(row.cells[column].text for row in rows)))
        for column, title in enumerate(titles)
    ]
