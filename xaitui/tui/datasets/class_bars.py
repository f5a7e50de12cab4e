"""Images of each class, as bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from xaitui.text import printable
from xaitui.tui.palette import MUTED
from xaitui.tui.widgets.facts import bar
from xaitui.tui.widgets.picture import is_plain

_LONGEST = 32
"""Columns of the longest bar."""


class ClassBars(Widget):
    """One row a class: its name, a bar of its training images, its images in each split."""

    def __init__(self) -> None:
        super().__init__()
        self._names: Sequence[str] = ()
        self._counts: Mapping[str, Sequence[int]] = {}

    def show(self, classes: Sequence[str], counts: Mapping[str, Sequence[int]]) -> None:
        """Show other counts: by split, for each class in order; none to show nothing."""
        self._names = [printable(name) for name in classes] if counts else ()
        self._counts = counts
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """A row for each class, below the names of the splits."""
        return len(self._names) + 1 if self._names else 0

    def render(self) -> Content:
        """The rows, at the width there is."""
        if not self._names:
            return Content("")
        width, plain = self.size.width, is_plain(self.app)
        columns = [[f"{count:,}" for count in counts] for counts in self._counts.values()]
        widths = [max(map(len, [*column, split])) for column, split in zip(columns, self._counts, strict=True)]
        numbers = [_row(row, widths) for row in zip(*columns, strict=True)]
        name_width = min(max(map(cell_len, self._names)), max(8, width // 3))
        room = max(0, min(_LONGEST, width - name_width - sum(widths) - 2 * len(widths) - 2))
        most = max(1, *self._counts["train"])
        lines = [Content.styled(" " * (name_width + room + 2) + _row(self._counts, widths), MUTED)]
        for name, count, text in zip(self._names, self._counts["train"], numbers, strict=True):
            drawn = bar(count / most, room, plain=plain)
            lines.append(Content.assemble(set_cell_size(name, name_width), "  ", (drawn, "$primary"), (text, MUTED)))
        return Content("\n").join(lines)


def _row(texts: Sequence[str] | Mapping[str, object], widths: Sequence[int]) -> str:
    return "".join(f"  {text:>{width}}" for text, width in zip(texts, widths, strict=True))
