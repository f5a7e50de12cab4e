"""Setting up a study: a form, what it comes to, and the exact line for a shell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from xaitui.config.command_line import setting_text
from xaitui.config.schema import FIELDS
from xaitui.config.units import format_duration
from xaitui.errors import XaituiError
from xaitui.studies.create import check_objectives, check_study
from xaitui.studies.definition import Study
from xaitui.studies.folder import StudyFolder, create_study
from xaitui.studies.form import StudyForm
from xaitui.studies.time_estimates import Estimates, total
from xaitui.text import printable
from xaitui.tui.forms.form_screen import FormScreen
from xaitui.tui.palette import MUTED
from xaitui.tui.studies.form import StudyFormView
from xaitui.tui.threads import in_thread, work


class NewStudyScreen(FormScreen):
    """The fields of `xaitui sweep`; below them, always, what they come to and the line that says the same."""

    NAME: ClassVar = "new_study"

    def __init__(self, study: Study | None = None) -> None:
        """Begin with the definition of another study; else with the draft of before, or with the defaults."""
        super().__init__()
        self._study = study
        self._estimates: Estimates | None = None
        self._wanted: Study | None = None
        self._is_counting = False

    def compose_body(self) -> Iterable[Widget]:
        """The form, a line of help, what it comes to, and the command line."""
        form = StudyForm.of(self._study) if self._study is not None else self._draft or self._empty
        yield StudyFormView(form, ascii_only=self.console.options.ascii)
        yield from self.help_line()
        yield Static(id="total", markup=False)
        yield from self.command_line()

    @property
    def _empty(self) -> StudyForm:
        path, place = "data.data_dir", self.console.options.data_dir
        return StudyForm().set("settings", f"{path}={setting_text(FIELDS[path], place)}") if place else StudyForm()

    @property
    def _draft(self) -> StudyForm | None:
        draft = self.console.drafts.get(self.NAME)
        return StudyForm.of_record(draft) if draft is not None else None

    @property
    def empty_record(self) -> Mapping[str, Any]:
        """The record of a form with the defaults."""
        return self._empty.record

    def start_over(self) -> None:
        """Show the defaults."""
        self.view.become(self._empty)

    @property
    def view(self) -> StudyFormView:
        """The form."""
        return self.query_one(StudyFormView)

    def on_study_form_view_changed(self, event: StudyFormView.Changed) -> None:
        """Bring the title, the line and the count in line with the form."""
        form = event.form
        self.keep_draft(form.record)
        self.say_title("New study" + (f" {printable(form.study.name)}" if form.study is not None else ""))
        self._say_total(form.problem, bad=bool(form.problem))
        text = form.command_line or "the line comes once that is mended"
        self.show_command(text, "" if form.study is not None else MUTED)
        self._wanted = form.study
        if not self._is_counting:
            self._is_counting = True
            self._count()

    @work(group="count")
    async def _count(self) -> None:
        """Count the runs and how long they take, in a thread: the form may be further by then."""
        try:
            while (study := self._wanted) is not None:
                self._wanted = None
                text, bad = await in_thread(self._comes_to, study)
                if self.view.form.study == study:
                    self._say_total(text, bad=bad)
        finally:
            self._is_counting = False

    def _comes_to(self, study: Study) -> tuple[str, bool]:
        """How many runs there will be and how long they take, or why there can be none."""
        try:
            trials = check_study(study)
            if self._estimates is None:
                self._estimates = Estimates.read(self.console.options.runs_dir)
        except (XaituiError, OSError) as error:
            return str(error), True
        known = [self._estimates.seconds(trial.config) for trial in trials]
        if study.proposes:
            known = [self._estimates.seconds(study.base)] * (study.trials * study.seeds)
        seconds, unknown = total(known)
        words = [f"{len(known)} run{'s' * (len(known) != 1)}"]
        words += [f"about {format_duration(seconds)} one after the other"] if seconds else []
        words += [f"of {unknown} it is not known how long they take"] if unknown else []
        return ", ".join(words), False

    def _say_total(self, text: str, *, bad: bool) -> None:
        self.query_one("#total", Static).update(Content.styled(printable(text), "$text-error" if bad else ""))

    # -- what the keys do

    async def action_copy(self) -> None:
        """Copy the command line."""
        await self.view.settle()
        form = self.view.form
        if form.study is None:
            self.console.tell(printable(form.problem), "error")
        else:
            self.copy_command(form.command_line)

    async def action_start(self) -> None:
        """Start the study in a process of its own, or go to the first field that is wrong."""
        await self.view.settle()
        form = self.view.form
        if form.study is None:
            self.console.tell(printable(form.problem), "error")
            self.view.focus_on(next(iter(form.errors), ""))
        else:
            self._start(form.study, form.workers)

    @work(exclusive=True, group="start")
    async def _start(self, study: Study, workers: int) -> None:
        try:
            folder = await in_thread(self._begin, study, workers)
        except (XaituiError, OSError) as error:
            self.console.tell(printable(error), "error")
            return
        self.console.drafts.discard(self.NAME)
        if self.is_current:
            self.app.pop_screen()
        self.console.open("study", folder)

    def _begin(self, study: Study, workers: int) -> StudyFolder:
        check_objectives(study, check_study(study))
        folder = create_study(study, self.console.options.runs_dir)
        self.console.studies.begin(folder, workers)
        return folder
