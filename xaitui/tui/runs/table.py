"""The table of runs: draws only the rows that are seen, and draws again only those that changed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.events import Click, Resize
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from xaitui.tui.runs.columns import GAP, MARK_WIDTH, SYMBOLS, Column, columns_for, fit

if TYPE_CHECKING:
    from xaitui.runs.listing.run_list import RunRow


@dataclass(frozen=True)
class Heading:
    """The line above the runs of a group."""

    name: str
    text: str
    ids: tuple[str, ...]


class RunTable(ScrollView, can_focus=True):
    """Rows of runs under a line of titles that stays, with a cursor that keeps to its run."""

    BINDINGS: ClassVar = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "move(-1000000)", show=False),
        Binding("end", "move(1000000)", show=False),
    ]
    COMPONENT_CLASSES: ClassVar = {
        "run-table--title",
        "run-table--cursor",
        "run-table--heading",
        "run-table--good",
        "run-table--warning",
        "run-table--bad",
        "run-table--marked",
    }

    class Moved(Message):
        """The cursor is on another row."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__()
        self._ascii = ascii_only
        self.lines: Sequence[RunRow | Heading] = ()
        """What is shown; changed by `show`."""
        self._marked: frozenset[str] = frozenset()
        self._order = ("began", False)
        self._cursor = 0
        self._columns: list[tuple[Column, int]] = []
        self._base = Style.null()

    @property
    def line(self) -> RunRow | Heading | None:
        """What the cursor is on."""
        return self.lines[self._cursor] if self.lines else None

    @property
    def column_names(self) -> list[str]:
        """The columns that are shown."""
        return [column.name for column, _ in self._columns]

    def show(self, lines: Sequence[RunRow | Heading], marked: Collection[str], order: tuple[str, bool]) -> None:
        """Show these rows; what is the same as before is not drawn again, and the cursor stays on its run.

        Args:
            lines: runs, and the headings of groups.
            marked: ids of the marked runs.
            order: the column that is sorted by, and whether its order is turned round.
        """
        before, marks = self.lines, self._marked
        self.lines, self._marked = lines, frozenset(marked)
        if order != self._order:
            self._order = order
            self.refresh_line(round(self.scroll_offset.y))
        self._follow(before)
        if len(lines) != len(before):
            self.virtual_size = Size(0, len(lines) + 1)
            self.refresh()
            return
        first = self.scroll_offset.y
        changed_marks = marks ^ self._marked
        for index in range(first, min(len(lines), first + self.size.height)):
            new = lines[index]
            if new != before[index] or (not isinstance(new, Heading) and new.id in changed_marks):
                self.refresh_line(index + 1)

    def _follow(self, before: Sequence[RunRow | Heading]) -> None:
        """Put the cursor where its run is now, and scroll by as much, so that it stays where the eye is."""
        old = self._cursor
        kept = _name(before[old]) if before else ""
        names = [_name(line) for line in self.lines] if kept else []
        new = names.index(kept) if kept in names else min(old, max(0, len(self.lines) - 1))
        if new != old:
            self._cursor = new
            self.refresh()
            if self.scroll_offset.y:
                self.virtual_size = Size(0, len(self.lines) + 1)
                self.scroll_to(y=self.scroll_offset.y + new - old, animate=False, force=True)
        if before != self.lines:
            self.post_message(self.Moved())

    # -- moving

    def action_move(self, rows: int) -> None:
        """Move the cursor, and scroll until it is seen."""
        new = max(0, min(len(self.lines) - 1, self._cursor + rows))
        if not self.lines or new == self._cursor:
            return
        for index in (self._cursor, new):
            self.refresh_line(index + 1)
        self._cursor = new
        seen = max(1, self.size.height - 1)
        top = min(max(self.scroll_offset.y, new - seen + 1), new)
        if top != self.scroll_offset.y:
            self.scroll_to(y=top, animate=False, force=True)
        self.post_message(self.Moved())

    def action_page(self, pages: int) -> None:
        """Move by what is seen at once."""
        self.action_move(pages * max(1, self.size.height - 2))

    def on_click(self, event: Click) -> None:
        """Move the cursor to the row that was clicked."""
        row = event.y - 1 + self.scroll_offset.y
        if event.y > 0 and row < len(self.lines):
            self.action_move(row - self._cursor)

    # -- drawing

    def on_resize(self, event: Resize) -> None:
        """Choose the columns that there is room for."""
        self._columns = columns_for(self.scrollable_content_region.width)
        self.virtual_size = Size(0, len(self.lines) + 1)
        self.refresh()
        self.action_move(0)

    def render_line(self, y: int) -> Strip:
        """Draw the titles, or one row."""
        self._base = self.rich_style  # once a row: Textual works it out anew at each look
        width = self.scrollable_content_region.width
        index = y - 1 + self.scroll_offset.y
        if y == 0:
            segments = [Segment(self._titles(), self._style("title"))]
        elif index >= len(self.lines):
            segments = [Segment(" " * width, self._base)]
        else:
            segments = self._row(self.lines[index], width, is_cursor=index == self._cursor)
        return Strip(segments).adjust_cell_length(width, self._base)

    def _titles(self) -> str:
        name, turned = self._order
        arrow = ("^" if turned else "v") if self._ascii else ("▲" if turned else "▼")
        titles = [
            fit(column.title + (arrow if column.name == name else ""), width, to_the_right=column.to_the_right)
            for column, width in self._columns
        ]
        return " " * MARK_WIDTH + (" " * GAP).join(titles)

    def _row(self, line: RunRow | Heading, width: int, *, is_cursor: bool) -> list[Segment]:
        cursor = self.get_component_rich_style("run-table--cursor", partial=True) if is_cursor else Style.null()
        if isinstance(line, Heading):
            return [Segment(fit(line.text, width, dots=self._dots), self._style("heading") + cursor)]
        is_marked = line.id in self._marked
        mark = ("*" if self._ascii else "◆") if is_marked else " "
        segments = [Segment(mark.ljust(MARK_WIDTH), self._style("marked") + cursor)]
        for text, style in self._cells(line, width):
            segments.append(Segment(text, style + cursor))
            segments.append(Segment(" " * GAP, self._base + cursor))
        return segments[:-1]

    def _cells(self, row: RunRow, width: int) -> list[tuple[str, Style]]:
        """Text and style of each cell; a row that is broken says what is wrong where the numbers would be."""
        cells, used = [], MARK_WIDTH
        for column, room in self._columns:
            text, style = column.text(row), self._base
            if column.name == "state":
                symbol, plain, tone = SYMBOLS[row.state]
                text = f"{plain if self._ascii else symbol} {text}"
                style = self._style(tone) if tone else style
            cells.append(
                (
                    fit(text, room, to_the_right=column.to_the_right, keep_end=column.name == "run", dots=self._dots),
                    style,
                )
            )
            used += room + GAP
            if column.name == "run" and row.state == "broken":
                name = fit(row.id, min(room, 24), keep_end=True, dots=self._dots)
                why = fit(row.why, width - used + room - len(name) + GAP - 1, dots=self._dots)
                return [*cells[:-1], (name, style), (why, self._style("bad"))]
        return cells

    @property
    def _dots(self) -> str:
        return "..." if self._ascii else "…"

    def _style(self, name: str) -> Style:
        return self._base + self.get_component_rich_style(f"run-table--{name}", partial=True)


def _name(line: RunRow | Heading) -> str:
    return f"\n{line.name}" if isinstance(line, Heading) else line.id
