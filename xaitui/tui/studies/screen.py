"""A study as it goes on: how far it is, the best so far, its plots, and a table of its trials."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.containers import Horizontal
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import DataTable, Static

from xaitui.plotting.figure import Figure
from xaitui.studies.folder import StudyFolder
from xaitui.text import printable
from xaitui.tui.studies.figures import best_figure, curves_figure, setting_figure
from xaitui.tui.studies.header import ImportanceBars, StudyHead
from xaitui.tui.studies.rows import StudyTableView, described
from xaitui.tui.studies.snapshot import StudyLook, StudyWatcher
from xaitui.tui.studies.table import StudyTable
from xaitui.tui.studies.view import StudyView
from xaitui.tui.widgets.key_bar import KeyBar
from xaitui.tui.widgets.plot import Plot


class StudyScreen(StudyView):
    """Follows one study, whichever process works on it."""

    NAME: ClassVar = "study"
    AUTO_FOCUS: ClassVar[str | None] = "StudyTable"

    def __init__(self, folder: StudyFolder) -> None:
        super().__init__(folder)
        self._watcher = StudyWatcher(folder)

    def compose_body(self) -> Iterable[Widget]:
        """Head, plot and importance, the table, and a line about the row under the cursor."""
        self.rows = StudyTableView(ascii_only=self.console.options.ascii)
        yield StudyHead()
        with Horizontal(classes="plots"):
            yield Plot()
            yield ImportanceBars()
        yield StudyTable()
        yield Static(classes="foot", markup=False)

    # -- looking

    def on_mount(self) -> None:
        """Say which study it is."""
        self.say_title(f"study {printable(self.folder.name)}")

    def read(self) -> StudyLook:
        """What is new of the study."""
        return self._watcher.look()

    def take(self, found: StudyLook) -> None:
        """Show it, and what became of the process that was to go on with it."""
        self.seen = found
        self.show()
        failure = self.console.studies.failure(self.folder)
        if failure:
            self.console.tell(printable(failure), "error")

    # -- showing

    def show(self) -> None:
        """Bring everything in line with the last look."""
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
        self._show_plot(look)
        self._show_table(look)
        self.query_one(KeyBar).show(self.commands())

    def _show_table(self, look: StudyLook) -> None:
        view = replace(self.rows, marked=self.marked)
        titles = list(view.columns(look))
        titles[view.column] += "^" if view.ascii_only else "▲"
        self.table.show(titles, view.rows(look))
        self._describe()

    def _show_plot(self, look: StudyLook) -> None:
        plot = self.query_one(Plot)
        plot.show(self._figure(look, plot.size.width))

    def _figure(self, look: StudyLook, columns: int) -> Figure:
        if self.plot == "setting":
            paths = list(look.standing.study.space)
            return setting_figure(look.standing, paths[self.setting % len(paths)], self.view, self.plot_cells)
        if self.plot == "best":
            return best_figure(look.standing, self.view, self.plot_cells)
        return curves_figure(look, self.view, columns, self.plot_cells)

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

    # -- what the keys do

    @on(DataTable.RowSelected)
    def _open(self) -> None:
        self.action_open()

    @on(Plot.Opened)
    def action_enlarge(self) -> None:
        """Give the plot the room of the table, or back."""
        self.toggle_class("-large")

    def back(self) -> bool:
        """Make the plot small again first."""
        was_large = self.has_class("-large")
        self.remove_class("-large")
        return was_large
