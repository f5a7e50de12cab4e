"""The settings of one page of the form: only what is seen is mounted."""

from __future__ import annotations

from collections.abc import Mapping

from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Static

from xaitui.tui.forms.field import FieldRow, FieldState


class FormFields(Vertical):
    """Rows and headings, brought in line with what the form says."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__()
        self._ascii_only = ascii_only
        self._shown: dict[str, Widget] = {}

    @property
    def rows(self) -> list[FieldRow]:
        """The settings that are seen, in order."""
        return [row for row in self._shown.values() if isinstance(row, FieldRow)]

    @property
    def row_with_focus(self) -> FieldRow | None:
        """The setting that is being written, if any."""
        return next((row for row in self.rows if row.has_focus_within), None)

    def show(self, wanted: Mapping[str, FieldState | str], typed: str = "") -> None:
        """Show settings, by path, and headings between them; rows that stay keep their focus and their cursor.

        Args:
            wanted: what is to be seen, in order.
            typed: path of the one that is being written, whose editor is ahead of us.
        """
        for key in [key for key in self._shown if key not in wanted]:
            self._shown.pop(key).remove()
        shown, missing = dict[str, Widget](), list[Widget]()
        for key, state in wanted.items():
            row = self._shown.get(key)
            if row is None:
                shown[key] = self._made(state)
                missing.append(shown[key])
                continue
            if missing:
                self.mount(*missing, before=row)
                missing = []
            if isinstance(row, FieldRow) and isinstance(state, FieldState):
                row.show(state, typed=key == typed)
            shown[key] = row
        if missing:
            self.mount(*missing)
        self._shown = shown

    def _made(self, state: FieldState | str) -> Widget:
        if isinstance(state, str):
            return Static(state, classes="heading", markup=False)
        return FieldRow(state, ascii_only=self._ascii_only)

    def focus_on(self, path: str = "") -> None:
        """Put the focus on a setting, or on the first one."""
        row = self._shown.get(path) or next(iter(self.rows), None)
        if isinstance(row, FieldRow):
            self.call_after_refresh(row.editor.focus)

    def on_field_row_left(self, event: FieldRow.Left) -> None:
        """Go on to the row before or after, if there is one."""
        event.stop()
        at = self.rows.index(event.row) + event.by if event.row in self.rows else -1
        if 0 <= at < len(self.rows):
            self.rows[at].editor.focus()
