"""A run as it goes, or as it went: curves, progress, epochs, log, GPU; and what can be asked of it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Log

from xaitui.plotting.curves import Source, View, ViewField, figure_of, smoothed
from xaitui.runs.directory import RunDirectory
from xaitui.runs.follower import RunFollower
from xaitui.text import printable
from xaitui.tui.gpu.panel import GpuPanel
from xaitui.tui.live.curves import LABELS, SCORES, loss_source, score_source
from xaitui.tui.live.epoch_table import EpochTable
from xaitui.tui.live.header import RunHead
from xaitui.tui.live.requests import RunRequests
from xaitui.tui.run_controller import Launch
from xaitui.tui.threads import in_thread, touch, work
from xaitui.tui.widgets.key_bar import KeyBar
from xaitui.tui.widgets.plot import Plot

LOADING_SECONDS = 0.05
"""Between two looks while a run begins, or a long journal is being read."""
POLL_SECONDS = 0.02
"""What a look may take of the event loop."""
SILENT_SECONDS = 5.0
"""After which it is said that the disk does not answer."""

PANES: dict[str, str] = {"plots": "#plots", "epochs": "#epochs", "log": "#log", "gpu": "#gpu"}


class LiveScreen(RunRequests):
    """Shows one run from its journal, whichever process writes it, and asks things of it by leaving requests."""

    NAME = "live"
    AUTO_FOCUS: ClassVar[str | None] = "#loss"

    def __init__(self, subject: Launch | RunDirectory) -> None:
        """Prepare the screen for a run, or for one that is only beginning."""
        super().__init__(subject)
        self.view = View()
        self.score = SCORES[0]
        self._logged = 0
        self._stale = True
        self._is_looking = False
        self._asked_at = 0.0

    def compose_body(self) -> Iterable[Widget]:
        """Head, plots, and the panes below them."""
        yield RunHead()
        with Horizontal(id="plots"):
            yield Plot(id="loss")
            yield Plot(id="score")
        with Horizontal(id="lower"):
            yield EpochTable(id="epochs")
            yield Log(id="log", max_lines=500, auto_scroll=True)
        with Vertical(id="gpu"):
            yield GpuPanel()

    def on_mount(self) -> None:
        """Look at the run now, once an interval, and more often while there is more to be read than fits in a look."""
        self.set_interval(self.console.options.interval, self.look)
        self.set_interval(LOADING_SECONDS, self._load)
        self.call_after_refresh(self.look)

    def look(self) -> None:
        """Take up what is new of the run, and show it."""
        if self.follower is None:
            self._begin()
        if self.follower is not None and not self._is_looking:
            self._is_looking, self._asked_at = True, time.monotonic()
            self._look(self.follower, shows=True)
        elif self.follower is not None and time.monotonic() - self._asked_at > SILENT_SECONDS:
            self.say_title(f"{printable(self.follower.run.id)}: its disk does not answer")
            self._stale = True

    def _load(self) -> None:
        if self.follower is None or self.follower.started is None:
            self.look()
        elif self.follower.is_loading and not self._is_looking:
            self._is_looking, self._asked_at = True, time.monotonic()
            self._look(self.follower, shows=False)  # seen at the next look

    @work(group="look")
    async def _look(self, follower: RunFollower, *, shows: bool) -> None:
        try:
            await in_thread(touch, *follower.files)
        finally:
            self._is_looking = False
        self._stale = follower.poll(POLL_SECONDS) or self._stale
        if shows and self._stale:
            self._stale = False
            self._show(follower)

    def _begin(self) -> None:
        """Show what is said while a run begins; once it has a directory, follow that."""
        launch = self.launch
        assert launch is not None
        if launch.run is not None:
            self.follower = RunFollower(launch.run)
            return
        self.query_one(RunHead).show_beginning(list(launch.words), launch.error)
        self.say_title(printable(f"{'it could not begin' if launch.error else 'beginning'}: {launch.title}"))

    # -- showing

    def _show(self, follower: RunFollower) -> None:
        self.say_title(printable(follower.run.id))
        self.query_one(RunHead).show(follower, ascii_only=self.console.options.ascii)
        self.query_one(EpochTable).show(follower)
        self.query_one(KeyBar).show(self.commands())
        self.refresh_bindings()
        self._show_log(follower)
        if self.query_one("#plots").display:
            self._plot("#loss", "loss", loss_source(follower))
            self._plot("#score", LABELS[self.score], score_source(follower, self.score))

    def _show_log(self, follower: RunFollower) -> None:
        new = follower.logged - self._logged
        if new:
            lines = list(follower.log)[-new:]
            self._logged = follower.logged
            self.query_one(Log).write_lines(lines)

    def _plot(self, name: str, title: str, source: Source) -> None:
        plot = self.query_one(name, Plot)
        view = replace(self.view, log=self.view.log and name == "#loss")
        words = view.describe()
        curves = smoothed(source(view.x), view)
        plot.show(figure_of(f"{title} ({words})" if words else title, curves, view, plot.size.width, self.plot_cells))

    def redraw(self) -> None:
        """Show everything anew, though nothing of the run has changed."""
        if self.follower is not None:
            self._show(self.follower)

    # -- how it is looked at

    def action_change_view(self, field: ViewField) -> None:
        """Change the x axis or the smoothing of both plots, or the scale of the loss."""
        self.view = self.view.changed(field)
        self.redraw()

    def action_next_score(self) -> None:
        """Show the next score in the second plot."""
        self.score = SCORES[(SCORES.index(self.score) + 1) % len(SCORES)]
        self.redraw()

    def action_pane(self, name: str) -> None:
        """Show a pane, or hide it."""
        pane = self.query_one(PANES[name])
        pane.display = not pane.display
        self.query_one("#lower").display = any(self.query_one(PANES[name]).display for name in ("epochs", "log"))
        self.call_after_refresh(self.redraw)

    def on_plot_opened(self, event: Plot.Opened) -> None:
        """Show a plot on the whole screen."""
        from xaitui.tui.live.enlarged_plot import PlotScreen

        if self.follower is None:
            return
        is_loss = event.plot.id == "loss"
        source = loss_source(self.follower) if is_loss else score_source(self.follower, self.score)
        title = "loss" if is_loss else LABELS[self.score]
        view = replace(self.view, log=self.view.log and is_loss)
        self.console.push_screen(PlotScreen(f"{title} of {self.follower.run.id}", source, view))
