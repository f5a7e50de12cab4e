"""The screen of one study: its progress, the best setting so far, its plots, and a table of its trials."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.containers import Horizontal
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import DataTable, Static

from xaitui.plotting.curves import ViewField
from xaitui.runs.directory import RunDirectory
from xaitui.studies.folder import StudyFolder
from xaitui.studies.status import TrialStanding
from xaitui.text import printable
from xaitui.tui.commands import Command
from xaitui.tui.polling_screen import PollingScreen
from xaitui.tui.studies.actions import StudyActions
from xaitui.tui.studies.header import ImportanceBars, StudyHead
from xaitui.tui.studies.rows import StudyTableView, described, mark
from xaitui.tui.studies.snapshot import StudyLook, StudyWatcher
from xaitui.tui.studies.table import StudyTable
from xaitui.tui.studies.view import StudyView
from xaitui.tui.widgets.key_bar import KeyBar
from xaitui.tui.widgets.plot import Plot


class StudyScreen(PollingScreen[StudyLook]):
    """Follows one study, whichever process works on it."""

    NAME: ClassVar = "study"
    AUTO_FOCUS: ClassVar[str | None] = "StudyTable"

    def __init__(self, folder: StudyFolder) -> None:
        super().__init__()
        self.folder = folder
        self.seen: StudyLook | None = None
        """The study when it was read last."""
        self.marked: frozenset[str] = frozenset()
        """Ids of the marked trials."""
        self.view = StudyView()
        self._actions = StudyActions(self, folder)
        self._watcher = StudyWatcher(folder)

    def compose_body(self) -> Iterable[Widget]:
        """The header, plot and importance, the table, and a line about the row under the cursor."""
        self.view = replace(self.view, rows=StudyTableView(ascii_only=self.console.options.ascii))
        yield StudyHead()
        with Horizontal(classes="plots"):
            yield Plot()
            yield ImportanceBars()
        yield StudyTable()
        yield Static(classes="foot", markup=False)

    @property
    def table(self) -> StudyTable:
        """The table of trials, or of settings."""
        return self.query_one(StudyTable)

    def commands(self) -> tuple[Command, ...]:
        """The keys that can do something for the study in its present state."""
        useless = self._actions.useless(self.seen)
        return tuple(row for row in super().commands() if row.action not in useless)

    # -- reading

    def on_mount(self) -> None:
        """Show which study it is."""
        self.say_title(f"study {printable(self.folder.name)}")

    def read(self) -> StudyLook:
        """Read what is new of the study."""
        return self._watcher.look()

    def take(self, found: StudyLook) -> None:
        """Show it, and the failure of the process that was to resume it."""
        self.seen = found
        self.show()
        failure = self.console.studies.failure(self.folder)
        if failure:
            self.console.tell(printable(failure), "error")

    # -- showing

    def show(self, view: StudyView | None = None) -> None:
        """Show the study as it was read last, in another view where one is given."""
        self.view = view or self.view
        look = self.seen
        if look is None:
            return
        study = look.standing.study
        goals = ", ".join(f"{each.name} ({each.direction})" for each in study.objectives)
        marked = f", {len(self.marked)} marked" if self.marked else ""
        self.say_title(f"study {printable(study.name)}  {study.sampler}, {goals}{marked}")
        begins, ascii_only = self.console.studies.is_running(self.folder), self.console.options.ascii
        self.query_one(StudyHead).show(look, begins=begins, ascii_only=ascii_only)
        self.query_one(ImportanceBars).show(look.shares, ascii_only=ascii_only)
        plot = self.query_one(Plot)
        plot.show(self.view.figure(look, plot.size.width, self.plot_cells))
        self._show_table(look)
        self.query_one(KeyBar).show(self.commands())

    def _show_table(self, look: StudyLook) -> None:
        rows = replace(self.view.rows, marked=self.marked)
        titles = list(rows.columns(look))
        titles[rows.column] += "^" if rows.ascii_only else "▲"
        self.table.show(titles, rows.rows(look))
        self._describe()

    @on(DataTable.RowHighlighted)
    def _describe(self) -> None:
        row = self.table.row
        if row is None or self.seen is None:
            return
        number = self.seen.number
        self.say_foot(
            "; ".join(described(each, number(each.trial.id)) for each in row.trials),
            bad=any(each.state.has_failed for each in row.trials),
        )

    def on_resize(self, event: Resize) -> None:
        """Show as much as there is room for."""
        super().on_resize(event)
        self.call_after_refresh(self.show)

    # -- keys of the view

    def action_layout(self) -> None:
        """A row for each trial, or for each setting over its seeds."""
        self.show(self.view.other_layout())

    def action_sort(self) -> None:
        """Sort by the next column."""
        if self.seen is not None:
            self.show(self.view.next_column(self.seen))

    def action_next_plot(self) -> None:
        """Show the next plot."""
        self.show(self.view.next_plot())

    def action_next_setting(self) -> None:
        """Show the scores against the next of the varied settings."""
        self.show(self.view.next_setting(1))

    def action_previous_setting(self) -> None:
        """Show the scores against the previous setting."""
        self.show(self.view.next_setting(-1))

    def action_change_view(self, field: ViewField) -> None:
        """Change the scale of the plot or the x axis of the curves."""
        self.show(self.view.changed(field))

    @on(Plot.Opened)
    def action_enlarge(self) -> None:
        """Give the plot the room of the table, or back."""
        self.toggle_class("-large")

    def back(self) -> bool:
        """Make the plot small again first."""
        was_large = self.has_class("-large")
        self.remove_class("-large")
        return was_large

    # -- keys of trials

    @on(DataTable.RowSelected)
    def action_open(self) -> None:
        """Open the trial as a run, or compare the runs of a setting that has several."""
        row = self.table.row
        if row is None:
            return
        runs = _begun(row.trials)
        if not runs:
            self.console.tell("it has not begun yet", "warning")
        elif len(runs) == 1:
            self.console.open("live", runs[0])
        else:
            self.console.open("compare", runs)

    def action_mark(self) -> None:
        """Mark the trial, or all trials of the setting."""
        row = self.table.row
        if row is not None:
            self.marked = mark(self.marked, row.trials)
            self.table.action_cursor_down()
            self.show()

    def action_compare(self) -> None:
        """Compare the marked trials, in the order of the table."""
        marked = [each for row in self.table.shown for each in row.trials if each.trial.id in self.marked]
        runs = _begun(marked)
        if len(runs) < 2:
            self.console.tell("mark two trials or more that have begun with space to compare them", "warning")
        else:
            self.console.open("compare", runs)

    # -- keys of the study

    def action_new(self) -> None:
        """Set up a new study from this one."""
        if self.seen is not None:
            self.console.open("new_study", self.seen.standing.study)

    def action_stop(self) -> None:
        """Ask every process that works on the study to save and end, if confirmed."""
        self._actions.stop(self.seen)

    def action_resume(self) -> None:
        """Resume the study in the background, if confirmed."""
        self._actions.resume(self.seen)

    def action_retry(self) -> None:
        """Train failed trials again in the background, if confirmed."""
        self._actions.retry(self.seen)


def _begun(trials: Sequence[TrialStanding]) -> list[RunDirectory]:
    return [each.run for each in trials if each.run.journal.exists()]
