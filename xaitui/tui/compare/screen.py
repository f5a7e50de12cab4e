"""Runs beside each other: their curves over one another, their scores, and the settings that differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.widget import Widget
from textual.widgets import DataTable, Static

from xaitui.catalog.metrics import METRICS
from xaitui.errors import UsageError
from xaitui.plotting.curves import Curves, NamedCurve, View, ViewField, figure_of, smoothed
from xaitui.runs.directory import RunDirectory
from xaitui.runs.follower import RunFollower
from xaitui.runs.journal.series import XAxis
from xaitui.runs.listing.comparison import Comparison, compare, short_labels
from xaitui.text import printable
from xaitui.tui.compare.table import CompareTable
from xaitui.tui.live.enlarged_plot import PlotScreen
from xaitui.tui.screen import ConsoleScreen
from xaitui.tui.threads import in_thread, touch, work
from xaitui.tui.widgets.plot import Plot

POLL_SECONDS = 0.02
"""What a look may take of the event loop, all runs together."""
LOADING_SECONDS = 0.1
"""Between two looks while long journals are being read."""

CURVES = ("loss", *(f"val_{name}" for name in METRICS), "lr", "images_per_second")
"""What the plot can show."""


class CompareScreen(ConsoleScreen):
    """Compares some runs, which keep the colours of the order in which they were named."""

    NAME = "compare"
    AUTO_FOCUS: ClassVar[str | None] = "CompareTable"

    def __init__(self, runs: Sequence[RunDirectory]) -> None:
        super().__init__()
        self.followers = [RunFollower(run) for run in runs]
        self.comparison: Comparison | None = None
        self.baseline = 0
        self.view = View()
        self.score = ""
        self._is_looking = False
        self._seen: list[object] = []
        """What the table was made from."""

    def compose_body(self) -> Iterable[Widget]:
        """The plot, the table, and what could not be read."""
        yield Plot()
        yield CompareTable(ascii_only=self.console.options.ascii)
        yield Static(classes="troubles", markup=False)

    @property
    def table(self) -> CompareTable:
        """The scores and the settings that differ."""
        return self.query_one(CompareTable)

    def on_mount(self) -> None:
        """Look at the runs now and once an interval, and more often while there is more to read than fits in a look."""
        self.say_title(f"comparing {len(self.followers)} runs")
        self.call_after_refresh(self.look)
        self.set_interval(self.console.options.interval, self.look)
        self.set_interval(LOADING_SECONDS, self._load)

    def _load(self) -> None:
        if any(follower.is_loading for follower in self.followers):
            self.look()

    def look(self) -> None:
        """Take up what is new of the runs: the plot follows each step, the table each epoch."""
        if not self._is_looking and (self.is_active or self.comparison is None):
            self._is_looking = True
            self._look()

    @work(group="look")
    async def _look(self) -> None:
        try:
            await in_thread(touch, *(path for each in self.followers for path in each.files))
        finally:
            self._is_looking = False
        changed = [follower.poll(POLL_SECONDS / len(self.followers)) for follower in self.followers]
        if not self.score:
            started = self.followers[self.baseline].started
            self.score = f"val_{started.monitor}" if started is not None else CURVES[0]
            changed.append(True)
        if any(changed):
            self._show_plot()
        seen: list[object] = [(follower.last_epoch, follower.state, follower.problem) for follower in self.followers]
        if seen != self._seen:
            self._seen = seen
            self._compare()

    @work(exclusive=True, group="compare")
    async def _compare(self) -> None:
        try:
            self.comparison = await in_thread(compare, [each.run for each in self.followers], self.baseline)
        except UsageError as error:
            self._say_troubles([str(error)])
        else:
            self._show_table()

    # -- showing

    def curves(self, x: XAxis) -> Curves:
        """The curve of each run, in its colour, and the baseline's best epoch."""
        labels = short_labels([follower.run.id for follower in self.followers])
        lines = tuple(
            NamedCurve(label, follower.curve(self.score, x), index)
            for index, (label, follower) in enumerate(zip(labels, self.followers, strict=True))
        )
        pinned = self.followers[self.baseline]
        last = pinned.last_epoch
        return Curves(lines, pinned.position_of_epoch(last.best_epoch, x) if last is not None else None)

    def _show_plot(self) -> None:
        plot = self.query_one(Plot)
        title = ", ".join(filter(None, [self.score, self.view.describe()]))
        curves = smoothed(self.curves(self.view.x), self.view)
        plot.show(figure_of(title, curves, self.view, plot.size.width, self.plot_cells))

    def _show_table(self) -> None:
        if self.comparison is not None:
            self.table.show(replace(self.comparison, baseline=self.baseline))
            count = len(self.table.setting_rows)
            self.say_title(f"comparing {len(self.followers)} runs, {count} differing setting{'s' * (count != 1)}")
            self._say_troubles(self.comparison.troubles)

    def _say_troubles(self, troubles: Sequence[str]) -> None:
        line = self.query_one(".troubles", Static)
        line.set_class(bool(troubles), "-some")
        line.update("\n".join(map(printable, troubles)))

    # -- what the keys do

    def action_difference(self, back: bool) -> None:
        """Go to the next setting that differs, or to the one before; at the end, to the other end."""
        if not self.table.go_to_difference(back=back):
            self.console.tell("no setting differs")

    def action_pin(self) -> None:
        """Make the run of the column under the cursor the baseline."""
        run = self.table.run_index
        if run is None:
            self.console.tell("move to the column of a run with the arrow keys first")
            return
        self.baseline = run
        self._show_table()
        self._show_plot()

    def action_two_runs(self) -> None:
        """Show what the baseline and another run look at: the one of the column under the cursor, or the next one."""
        run = self.table.run_index
        others = [index for index in range(len(self.followers)) if index != self.baseline]
        if others:
            other = run if run in others else others[0]
            self.console.open("two_runs", self.followers[self.baseline].run, self.followers[other].run)

    def action_next_score(self) -> None:
        """Show the next curve that any of the runs has."""
        at = CURVES.index(self.score) if self.score in CURVES else -1
        following = [*CURVES[at + 1 :], *CURVES[: at + 1]]
        there = (name for name in following if any(len(each.curve(name, "step")) for each in self.followers))
        self.score = next(there, CURVES[0])
        self._show_plot()

    def action_change_view(self, field: ViewField) -> None:
        """Change the x axis, the smoothing or the scale."""
        self.view = self.view.changed(field)
        self._show_plot()

    @on(Plot.Opened)
    @on(DataTable.CellSelected)
    def action_enlarge(self) -> None:
        """Show the plot on the whole screen; plot and table take the key for themselves, and tell of it."""
        self.app.push_screen(PlotScreen(self.score, self.curves, self.view))
