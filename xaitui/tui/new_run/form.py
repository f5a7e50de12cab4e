"""The form of a run as it is seen: its groups, the fields of those that are shown, and what is written into them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from textual.containers import Vertical
from textual.content import Content
from textual.events import Resize
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from xaitui.config.form import GROUPS, OWN_GROUP, Form
from xaitui.config.schema import FIELDS
from xaitui.text import printable
from xaitui.tui.dialogs.choose import ChooseScreen
from xaitui.tui.forms.field import FieldRow, FieldState
from xaitui.tui.forms.fields import FormFields
from xaitui.tui.new_run.rows import PRESET, WHERE, pages, rows, written

TALL = 38
"""Rows of a terminal from which on several groups are seen at once."""

WIDE = 72
"""Columns from which on there is a space around the name of each group."""


class RunForm(Vertical):
    """A text becomes a new form; everything that is seen follows from that."""

    class Changed(Message):
        """The form is another one."""

        def __init__(self, form: Form) -> None:
            super().__init__()
            self.form = form

    def __init__(self, form: Form, *, ascii_only: bool = False) -> None:
        super().__init__()
        self.form = form
        self._group = GROUPS[0]
        self._fields = FormFields(ascii_only=ascii_only)

    def compose(self) -> Iterable[Widget]:
        """The groups, and the fields of some."""
        yield Static(classes="groups")
        yield self._fields

    def on_mount(self) -> None:
        """Show the first fields."""
        self.become(self.form)
        self._fields.focus_on()

    def on_resize(self, event: Resize) -> None:
        """More groups at once where there is room."""
        del event
        self.become(self.form)

    # -- showing

    def become(self, form: Form, typed: str = "") -> None:
        """Show another form, and tell; the field at the path `typed` is being written and left alone."""
        self.form = form
        self._follow(typed)
        self.post_message(self.Changed(form))

    def _follow(self, typed: str = "") -> None:
        self._fields.show(rows(self.form, self._page), typed)
        self.query_one(".groups", Static).update(self._group_bar())

    @property
    def _pages(self) -> tuple[tuple[str, ...], ...]:
        return pages(tall=self.app.size.height >= TALL)

    @property
    def _page(self) -> tuple[str, ...]:
        """The groups that are seen."""
        return next(page for page in self._pages if self._group in page)

    def _group_bar(self) -> Content:
        """The groups: those that are seen reversed, those with something changed or wrong marked."""
        seen, space = self._page, " " if self.size.width >= WIDE else ""
        parts = []
        for group in GROUPS:
            mark = _mark(self.form, group)
            style = "reverse" if group in seen else "$text-error" if mark == "!" else ""
            name = Content.from_markup(f"[@click=screen.group('{group}')]{space}{group}{mark}{space}[/]")
            parts.append(name.stylize(style))
        return Content("").join(parts)

    # -- going about

    def show_group(self, group: str, path: str = "") -> None:
        """Show a group of settings, with the focus on one of them, else on the first."""
        self._group = group
        self._follow()
        self._fields.focus_on(path or next(path for path in rows(self.form, [group])))

    def next_group(self, by: int) -> None:
        """Show the groups after or before these."""
        at = self._pages.index(self._page) + by
        self.show_group(self._pages[at % len(self._pages)][0])

    def focus_on_field(self) -> None:
        """Put the focus on the first field that is seen."""
        self._fields.focus_on()

    # -- writing

    async def settle(self) -> None:
        """Take up what was typed and is still on its way: a key that acts at once may overtake it."""
        row = self._fields.row_with_focus
        passed = asyncio.Event()
        if row is None or not row.editor.call_later(passed.set):
            return
        await passed.wait()
        if row.editor.value != printable(row.state.text):
            self.become(written(self.form, row.state.record.path, row.editor.value), typed=row.state.record.path)

    def on_field_row_edited(self, event: FieldRow.Edited) -> None:
        """Take what was written."""
        event.stop()
        self.become(written(self.form, event.path, event.text), typed=event.path)

    def on_field_row_listed(self, event: FieldRow.Listed) -> None:
        """List what is known for a field."""
        event.stop()
        self._choose(event.state)

    def _choose(self, state: FieldState) -> None:
        def take(value: str | None) -> None:
            if value is not None:
                self.become(written(self.form, state.record.path, value))

        self.app.push_screen(ChooseScreen(state.record.help, state.options, state.text), take)

    def choose_preset(self) -> None:
        """List the presets."""
        state = rows(self.form, GROUPS[:1])[PRESET.path]
        if isinstance(state, FieldState):
            self._choose(state)

    def reset_field(self) -> None:
        """Put the field that has the focus back to its default."""
        row = self._fields.row_with_focus
        path = "" if row is None else row.state.record.path
        if path in FIELDS:
            self.become(self.form.clear(path))
        elif path == WHERE.path:
            self.become(replace(self.form, detach=False))


def _mark(form: Form, group: str) -> str:
    """One character that says whether something in a group is wrong, or changed."""
    if any(path.startswith(f"{group}.") for path in form.errors):
        return "!"
    changed = any(path.startswith(f"{group}.") for path in form.changed) or (form.detach and group == OWN_GROUP)
    return "*" if changed else " "
