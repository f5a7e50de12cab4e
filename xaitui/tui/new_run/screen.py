"""Setting up a run: the form, the cards of its data set and its model, and the exact line for a shell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import DescendantFocus
from textual.widget import Widget
from textual.widgets import Static

from xaitui.catalog.datasets import is_own_data
from xaitui.config.form import Form, form_of
from xaitui.config.schema import FIELDS, RunConfig
from xaitui.config.validity import set_of
from xaitui.data.locate import user_path
from xaitui.data.verify import FileState, set_status
from xaitui.errors import XaituiError
from xaitui.text import printable
from xaitui.tui.datasets.card import DatasetCard
from xaitui.tui.forms.field import FieldRow
from xaitui.tui.new_run.actions import FormActions
from xaitui.tui.new_run.form import RunForm
from xaitui.tui.new_run.measurement import Measurement
from xaitui.tui.new_run.model_card import ModelCard
from xaitui.tui.palette import MUTED
from xaitui.tui.threads import in_thread, work


class NewRunScreen(FormActions):
    """A form beside its cards; below them, always, the command line that says the same."""

    NAME: ClassVar = "new"
    AUTO_FOCUS: ClassVar = ""  # the form does it once its fields stand

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
        yield Static(id="help", markup=False)
        yield Measurement()
        with VerticalScroll(id="line"):
            yield Static(markup=False)

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
        colour = "" if form.config is not None else "$text-error"
        line = Content.assemble(("$ ", MUTED), (printable(form.command_line), colour))
        self.query_one("#line Static", Static).update(line)
        self._say_help(self.focused)
        self.query_one(Measurement).follow(form.draft)
        self.call_after_refresh(self._show_cards)

    def _show_cards(self) -> None:
        """Tell the cards what to show, where they are seen."""
        if not self.has_class("-narrow") or self.has_class("-cards"):
            for card in (self.query_one(DatasetCard), self.query_one(ModelCard)):
                card.show(self.run_form.form.draft)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Say what the field is."""
        self._say_help(event.widget)

    def _say_help(self, widget: Widget | None) -> None:
        row = next((node for node in widget.ancestors if isinstance(node, FieldRow)), None) if widget else None
        self.query_one("#help", Static).update("" if row is None else Content(printable(row.state.help)))

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
        """Download the data set, on its card."""
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
