"""Setting up a run: the form, the cards of its dataset and its model, and the exact line for a shell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from textual.containers import Horizontal, Vertical
from textual.events import Paste
from textual.widget import Widget
from textual.widgets import Input

from xaitui.catalog.datasets import is_own_data
from xaitui.config.form import Form, form_of
from xaitui.config.schema import FIELDS, RunConfig
from xaitui.config.validity import set_of
from xaitui.data.locate import user_path
from xaitui.data.verify import FileState, set_status
from xaitui.errors import UsageError, XaituiError
from xaitui.text import printable
from xaitui.tui.datasets.card import DatasetCard
from xaitui.tui.forms.field import is_command_line
from xaitui.tui.forms.form_screen import FormScreen
from xaitui.tui.new_run.form import RunForm
from xaitui.tui.new_run.measurement import Measurement
from xaitui.tui.new_run.model_card import ModelCard
from xaitui.tui.threads import in_thread, work


class NewRunScreen(FormScreen):
    """A form beside its cards; below them, always, the command line that says the same."""

    NAME: ClassVar = "new"

    def __init__(self, config: RunConfig | None = None) -> None:
        """Begin with the settings of another run; else with the draft of before, or with the defaults."""
        super().__init__()
        self._config = config

    def compose_body(self) -> Iterable[Widget]:
        """Fields beside cards, a line of help, and the command line."""
        options = self.console.options
        self.set_class(options.ascii, "-ascii")
        form = form_of(self._config) if self._config is not None else self._draft or self._empty
        with Horizontal(id="columns"):
            yield RunForm(form, ascii_only=options.ascii)
            with Vertical(id="cards"):
                yield DatasetCard()
                yield ModelCard()
        yield from self.help_line()
        yield Measurement()
        yield from self.command_line()

    @property
    def run_form(self) -> RunForm:
        """The form."""
        return self.query_one(RunForm)

    @property
    def _empty(self) -> Form:
        place = self.console.options.data_dir
        return Form().set("data.data_dir", place) if place else Form()

    @property
    def _draft(self) -> Form | None:
        draft = self.console.drafts.get(self.NAME)
        return Form.of_record(draft) if draft is not None else None

    @property
    def empty_record(self) -> Mapping[str, Any]:
        """The record of a form with the defaults."""
        return self._empty.record

    def start_over(self) -> None:
        """Show the defaults."""
        self.run_form.become(self._empty)

    def on_run_form_changed(self, event: RunForm.Changed) -> None:
        """Bring the title, the command line and the cards in line with the form."""
        form, wrong = event.form, len(event.form.errors)
        self.keep_draft(form.record)
        count = f": {wrong} setting{'s' if wrong > 1 else ''} to mend" if wrong else ""
        self.say_title(f"New run{f', {form.preset}' if form.preset else ''}{count}")
        self.show_command(form.command_line, "" if form.config is not None else "$text-error")
        self.query_one(Measurement).follow(form.draft)
        self.call_after_refresh(self._show_cards)

    def _show_cards(self) -> None:
        """Tell the cards what to show, where they are seen."""
        if not self.has_class("-narrow") or self.has_class("-cards"):
            for card in (self.query_one(DatasetCard), self.query_one(ModelCard)):
                card.show(self.run_form.form.draft)

    # -- the cards, and the run

    def action_cards(self) -> None:
        """Go to the cards, or back to the form."""
        if self.query_one("#cards").has_focus_within:
            self.remove_class("-cards")
            self.run_form.focus_on_field()
        else:
            self.add_class("-cards")
            self._show_cards()
            self.call_after_refresh(self.query_one(DatasetCard).focus)

    def back(self) -> bool:
        """Go from the cards, where they cover the form, back to it."""
        covered = self.has_class("-narrow") and self.has_class("-cards")
        if covered:
            self.remove_class("-cards")
            self.run_form.focus_on_field()
        return covered or super().back()

    def action_fetch(self) -> None:
        """Download the dataset, on its card."""
        if self.has_class("-narrow"):
            self.add_class("-cards")
            self._show_cards()
        self.query_one(DatasetCard).fetch()

    async def action_start(self) -> None:
        """Start the run, or go to the first setting that is wrong."""
        if form := await self._right_form():
            self._start(form)

    async def action_measure(self) -> None:
        """Take a few steps of the run in a process of its own, or go to the first setting that is wrong."""
        if form := await self._right_form():
            self.query_one(Measurement).measure(form.draft)

    async def _right_form(self) -> Form | None:
        """The form; None where something in it is wrong, which then has the focus."""
        await self.run_form.settle()
        form = self.run_form.form
        wrong = next(iter(form.errors), None)
        if wrong is None:
            return form
        self.remove_class("-cards")
        self.run_form.show_group(wrong.split(".", 1)[0], wrong)
        self.console.tell(printable(f"{FIELDS[wrong].label}: {form.errors[wrong]}"), "error")
        return None

    @work(exclusive=True, group="start")
    async def _start(self, form: Form) -> None:
        """Start it, if its data is here."""
        missing = await in_thread(_missing, form.draft)
        if missing:
            self.console.tell(missing, "error")
        elif self.console.start_run(form.draft, own_process=form.detach):
            self.console.drafts.discard(self.NAME)

    # -- the command line

    def on_paste(self, event: Paste) -> None:
        """Fill the form from a line that the terminal pastes."""
        event.stop()
        self._fill(event.text)

    def _fill(self, line: str) -> None:
        try:
            form = self.run_form.form.paste(line.strip())
        except UsageError as error:
            self.console.tell(printable(error), "error")
            return
        self.run_form.become(form)
        self.console.tell("the form is filled from the line")

    async def action_copy(self) -> None:
        """Copy the command line."""
        await self.run_form.settle()
        self.copy_command(self.run_form.form.command_line)

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
        self.run_form.choose_preset()

    async def action_augment(self) -> None:
        """Turn on the augmentations that suit the dataset, and show them."""
        await self.run_form.settle()
        try:
            self.run_form.become(self.run_form.form.augment())
        except UsageError as error:
            self.console.tell(printable(error), "error")
        else:
            await self.action_group("augmentation")

    def action_default(self) -> None:
        """Put the field that has the focus back to its default."""
        self.run_form.reset_field()

    async def action_group(self, group: str) -> None:
        """Show a group of settings."""
        await self.run_form.settle()
        self.remove_class("-cards")
        self.run_form.show_group(group)

    async def action_next_group(self, by: int = 1) -> None:
        """Show the groups after these."""
        await self.run_form.settle()
        self.remove_class("-cards")
        self.run_form.next_group(by)

    async def action_previous_group(self) -> None:
        """Show the groups before these."""
        await self.action_next_group(-1)


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
    if state is FileState.DAMAGED:
        return f"the files of {info.name} are damaged, or not what was published: move them away, then ctrl+d"
    if state in (FileState.ABSENT, FileState.PARTIAL):
        return f"the files of {info.name} are {state}: ctrl+d downloads them"
    return ""
