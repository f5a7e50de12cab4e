"""Setting up a run: the form, the cards of its data set and its model, and the exact line for a shell."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import ClassVar

from textual import work
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import DescendantFocus, Paste
from textual.widget import Widget
from textual.widgets import Input, Static

from xaitui.catalog.datasets import is_own_data
from xaitui.config.applicability import set_of
from xaitui.config.form import Form, form_of
from xaitui.config.schema import FIELDS, RunConfig
from xaitui.data.locate import user_path
from xaitui.data.verify import FileState, set_status
from xaitui.errors import UsageError, XaituiError
from xaitui.text import printable
from xaitui.tui.screens.base import ConsoleScreen
from xaitui.tui.widgets.dataset_card import DatasetCard
from xaitui.tui.widgets.field import FieldRow, is_command_line
from xaitui.tui.widgets.model_card import ModelCard
from xaitui.tui.widgets.run_form import RunForm


class NewRunScreen(ConsoleScreen):
    """A form beside its cards; below them, always, the command line that says the same."""

    NAME: ClassVar = "new"
    AUTO_FOCUS: ClassVar = ""  # the form does it once its fields stand

    def __init__(self, config: RunConfig | None = None) -> None:
        """Begin with the settings of another run, or with the defaults."""
        super().__init__()
        self._config = config

    def compose_body(self) -> Iterable[Widget]:
        """Fields beside cards, a line of help, and the command line."""
        options = self.console.options
        self.set_class(options.ascii, "-ascii")
        form = Form() if self._config is None else form_of(self._config)
        if self._config is None and options.data_dir:
            form = form.set("data.data_dir", options.data_dir)
        with Horizontal(id="columns"):
            yield RunForm(form, ascii_only=options.ascii)
            with Vertical(id="cards"):
                yield DatasetCard()
                yield ModelCard()
        yield Static(id="help", markup=False)
        with VerticalScroll(id="line"):
            yield Static(markup=False)

    @property
    def _run_form(self) -> RunForm:
        return self.query_one(RunForm)

    def on_run_form_changed(self, event: RunForm.Changed) -> None:
        """Bring the title, the command line and the cards in line with the form."""
        form, wrong = event.form, len(event.form.errors)
        count = f": {wrong} setting{'s' if wrong > 1 else ''} to mend" if wrong else ""
        self.say_title(f"New run{f', {form.preset}' if form.preset else ''}{count}")
        colour = "" if form.config is not None else "$text-error"
        line = Content.assemble(("$ ", "$text-muted"), (printable(form.command_line), colour))
        self.query_one("#line Static", Static).update(line)
        self._say_help(self.focused)
        self.call_after_refresh(self._show_cards)

    def _show_cards(self) -> None:
        """Tell the cards what to show, where they are seen."""
        if not self.has_class("-narrow") or self.has_class("-cards"):
            for card in (self.query_one(DatasetCard), self.query_one(ModelCard)):
                card.show(self._run_form.form.draft)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Say what the field is."""
        self._say_help(event.widget)

    def _say_help(self, widget: Widget | None) -> None:
        row = next((node for node in widget.ancestors if isinstance(node, FieldRow)), None) if widget else None
        self.query_one("#help", Static).update("" if row is None else Content(printable(row.state.help)))

    # -- the command line

    def on_paste(self, event: Paste) -> None:
        """Fill the form from a line that the terminal pastes."""
        event.stop()
        self._fill(event.text)

    def _fill(self, line: str) -> None:
        try:
            form = self._run_form.form.paste(line.strip())
        except UsageError as error:
            self.console.tell(printable(error), "error")
            return
        self._run_form.become(form)
        self.console.tell("the form is filled from the line")

    async def action_copy(self) -> None:
        """Copy the command line."""
        await self._run_form.settle()
        self.app.copy_to_clipboard(self._run_form.form.command_line)
        self.console.tell("copied")

    def action_paste(self) -> None:
        """Paste what was copied in the console: a command line into the form, anything else into the field."""
        text, focused = self.app.clipboard, self.focused
        if is_command_line(text):
            self._fill(text)
        elif isinstance(focused, Input) and text:
            focused.action_paste()
        else:
            self.console.tell("paste the line with the terminal's own key, often ctrl+shift+v")

    # -- the form

    def action_preset(self) -> None:
        """Choose a preset."""
        self._run_form.choose_preset()

    async def action_augment(self) -> None:
        """Turn on the augmentations that suit the data set, and show them."""
        await self._run_form.settle()
        try:
            self._run_form.become(self._run_form.form.augment())
        except UsageError as error:
            self.console.tell(printable(error), "error")
        else:
            await self.action_group("augmentation")

    def action_default(self) -> None:
        """Put the field that has the focus back to its default."""
        self._run_form.reset_field()

    async def action_group(self, group: str) -> None:
        """Show a group of settings."""
        await self._run_form.settle()
        self.remove_class("-cards")
        self._run_form.show_group(group)

    async def action_next_group(self, by: int = 1) -> None:
        """Show the groups after these."""
        await self._run_form.settle()
        self.remove_class("-cards")
        self._run_form.next_group(by)

    async def action_previous_group(self) -> None:
        """Show the groups before these."""
        await self.action_next_group(-1)

    # -- the cards, and the run

    def action_cards(self) -> None:
        """Go to the cards, or back to the form."""
        if self.query_one("#cards").has_focus_within:
            self.remove_class("-cards")
            self._run_form.focus_on_field()
        else:
            self.add_class("-cards")
            self._show_cards()
            self.call_after_refresh(self.query_one(DatasetCard).focus)

    def action_fetch(self) -> None:
        """Download the data set, on its card."""
        if self.has_class("-narrow"):
            self.add_class("-cards")
            self._show_cards()
        self.query_one(DatasetCard).fetch()

    async def action_start(self) -> None:
        """Start the run, or go to the first setting that is wrong."""
        await self._run_form.settle()
        form = self._run_form.form
        wrong = next(iter(form.errors), None)
        if wrong is None:
            self._start(form)
            return
        self.remove_class("-cards")
        self._run_form.show_group(wrong.split(".", 1)[0], wrong)
        self.console.tell(printable(f"{FIELDS[wrong].label}: {form.errors[wrong]}"), "error")

    @work(exclusive=True, group="start")
    async def _start(self, form: Form) -> None:
        """Start it, if its data is here."""
        missing = await asyncio.to_thread(_missing, form.draft)
        if missing:
            self.console.tell(missing, "error")
        else:
            self.console.start_run(form.draft, own_process=form.detach)


def _missing(config: RunConfig) -> str:
    """What to do about data that is not here; nothing where it is. It looks at the disk."""
    data, info = config.data, set_of(config)
    try:
        if info is None:
            there = not is_own_data(data.dataset) or user_path(data.dataset).exists()
            return "" if there else f"there is nothing at {printable(data.dataset)}"
        state, _ = set_status(info, data.size or info.sizes[0], data.data_dir)
    except (XaituiError, OSError) as error:
        return printable(error)
    if state in (FileState.ABSENT, FileState.PARTIAL, FileState.DAMAGED):
        return f"the files of {info.name} are {state}: ctrl+d downloads them"
    return ""
