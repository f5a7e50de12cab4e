"""The form of a new run under a user's hands."""

from __future__ import annotations

from functools import partial

from textual.events import Paste
from textual.widgets import Input, OptionList

from tests.tui.console_pilot import screen_text, until
from xaitui.config.form import Form
from xaitui.tui.app import ConsoleApp
from xaitui.tui.forms.field import FieldRow
from xaitui.tui.forms.fields import FormFields
from xaitui.tui.new_run.form import RunForm
from xaitui.tui.new_run.screen import NewRunScreen


class Desk:
    """The screen of a new run under a user's hands. Keys are sent without waiting for what comes of them."""

    def __init__(self, app: ConsoleApp) -> None:
        self.app = app

    @property
    def screen(self) -> NewRunScreen:
        return next(screen for screen in self.app.screen_stack if isinstance(screen, NewRunScreen))

    @property
    def form(self) -> Form:
        return self.screen.query_one(RunForm).form

    @property
    def rows(self) -> dict[str, FieldRow]:
        return {row.state.record.path: row for row in self.screen.query_one(FormFields).rows}

    @property
    def focused(self) -> str:
        return next((path for path, row in self.rows.items() if row.has_focus_within), "")

    def shows(self, text: str) -> bool:
        return text in " ".join(screen_text(self.app).split())

    def press(self, *keys: str) -> None:
        for key in keys:
            self.app.simulate_key(key)

    @property
    def editor(self) -> Input:
        focused = self.screen.focused
        assert isinstance(focused, Input)
        return focused

    async def empty(self) -> None:
        self.press("end", "ctrl+u")
        await until(self.app, lambda: not self.editor.value)

    async def write(self, text: str) -> None:
        """Type over what the field holds."""
        await self.empty()
        self.press(*text)

    async def go_to(self, path: str) -> None:
        """Reach a field by keys alone."""
        while path not in self.rows:
            elsewhere = partial(self._is_elsewhere, self.focused)
            self.press("f3")
            await until(self.app, elsewhere)
        while self.focused != path:
            paths = list(self.rows)
            elsewhere = partial(self._is_elsewhere, self.focused)
            self.press("down" if paths.index(path) > paths.index(self.focused) else "up")
            await until(self.app, elsewhere)

    def _is_elsewhere(self, path: str) -> bool:
        return self.focused not in ("", path)

    async def open_list(self, key: str) -> OptionList:
        self.press(key)
        await until(self.app, lambda: isinstance(self.app.screen.focused, OptionList))
        return self.app.screen.query_one(OptionList)

    def paste(self, text: str) -> None:
        """As the terminal does."""
        self.app.post_message(Paste(text))
