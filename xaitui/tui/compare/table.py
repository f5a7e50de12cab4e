"""The table of a comparison as a widget: cells change in place, so that the cursor stays where it is."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.widgets import DataTable

from xaitui.runs.listing.comparison import Comparison
from xaitui.tui.compare.rows import NAME, TableRow, Tones, column_titles, table_rows
from xaitui.tui.palette import series_colours


class CompareTable(DataTable[Text]):
    """A row for each score and for each setting that differs, a column for each run."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__(cursor_type="cell", fixed_columns=1)
        self._ascii = ascii_only
        self._comparison: Comparison | None = None
        self._widths: Sequence[int] = ()
        self.setting_rows: list[int] = []
        """Where the settings stand."""

    @property
    def run_index(self) -> int | None:
        """The run whose column the cursor is in."""
        return self.cursor_column - 1 if self.cursor_column > 0 else None

    def on_mount(self) -> None:
        """Take the colours of another theme when one is chosen."""
        self.app.theme_changed_signal.subscribe(self, lambda theme: self._restyle())

    def show(self, comparison: Comparison) -> None:
        """Change the cells that differ from what is shown; where rows or columns are others, make the table anew."""
        self._comparison = comparison
        titles = column_titles(comparison, self._tones(), ascii_only=self._ascii)
        rows = table_rows(comparison, self._tones(), ascii_only=self._ascii)
        self.setting_rows = [index for index, row in enumerate(rows) if row.is_setting]
        widths = _widths(titles, rows)
        if [row.key for row in rows] != [key.value for key in self.rows] or widths != self._widths:
            self._make(titles, rows, widths)
            return
        for column, title in zip(self.ordered_columns[1:], titles, strict=True):
            column.label = title
        names = [NAME, *map(str, range(len(titles)))]
        for row in rows:
            for name, cell in zip(names, row.cells, strict=True):
                if self.get_cell(row.key, name) != cell:
                    self.update_cell(row.key, name, cell)

    def _make(self, titles: Sequence[Text], rows: Sequence[TableRow], widths: Sequence[int]) -> None:
        """Columns are given their widths: those that Textual finds by itself come later than the first cells drawn."""
        cursor, self._widths = self.cursor_coordinate, widths
        self.clear(columns=True)
        self.add_column("", key=NAME, width=widths[0])
        for index, title in enumerate(titles):
            self.add_column(title, key=str(index), width=widths[index + 1])
        for row in rows:
            self.add_row(*row.cells, key=row.key)
        self.move_cursor(row=cursor.row, column=max(1, cursor.column))

    def _tones(self) -> Tones:
        theme = self.app.get_css_variables()
        return Tones(theme["text-success"], theme["text-error"], theme["text-muted"], series_colours(self.app.theme))

    def _restyle(self) -> None:
        if self._comparison is not None:
            self.show(self._comparison)

    def go_to_difference(self, *, back: bool = False) -> bool:
        """Move to the next setting that differs, or the one before, and round at the end; False where there is none."""
        rows = self.setting_rows[::-1] if back else self.setting_rows
        ahead = [row for row in rows if (row < self.cursor_row if back else row > self.cursor_row)] or rows
        if ahead:
            self.move_cursor(row=ahead[0], animate=False)
        return bool(ahead)


def _widths(titles: Sequence[Text], rows: Sequence[TableRow]) -> list[int]:
    """How wide each column has to be, that of the names first."""
    columns = zip(*(row.cells for row in rows), strict=True)
    heads = [Text(), *titles]
    return [max(cell.cell_len for cell in (head, *cells)) for head, cells in zip(heads, columns, strict=True)]
