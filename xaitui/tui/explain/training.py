"""A run through its training: what it looked at after each epoch, beside its accuracy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from xaitui.plotting.figure import Figure, Line
from xaitui.runs.directory import RunDirectory
from xaitui.runs.explanations.training_maps import Watched, read_watched
from xaitui.text import printable
from xaitui.tui.explain.epoch_view import Arrays, EpochView
from xaitui.tui.explain.map_display import MapDisplay, class_names
from xaitui.tui.explain.map_grid import MapGrid
from xaitui.tui.palette import MUTED
from xaitui.tui.polling_screen import PollingScreen
from xaitui.tui.threads import in_thread, work
from xaitui.tui.widgets.plot import Plot

NOTHING = "nothing was watched in this run; --watch-samples=8 keeps Grad-CAM of 8 validation images after each epoch"
GRID_COLUMNS = 18
"""Columns that a map needs where all of them are seen."""
ALARM_COLOUR = 6


class TrainingMapsScreen(PollingScreen[tuple[Watched | None, tuple[str, ...]]]):
    """Shows the training maps of a run by epoch; while the run is live, the last epoch is followed."""

    NAME = "training_maps"
    AUTO_FOCUS: ClassVar[str | None] = "Plot"

    def __init__(self, run: RunDirectory) -> None:
        super().__init__()
        self.map_display = MapDisplay(self, self.redraw)
        self.run = run
        self.watched: Watched | None = None
        self.place = -1
        """The place of the epoch among those that were watched; -1 is the last one, also when more come."""
        self.sample = 0
        self.shows_all = False
        self._names: tuple[str, ...] = ()
        self._arrays: dict[int, Arrays] = {}
        """Of the epochs that were looked at, by number; let go where a run is read anew."""
        self._was_read = False

    def compose_body(self) -> Iterable[Widget]:
        """The head, the maps, and the curves below them."""
        yield Static(classes="head", markup=False)
        yield MapGrid()
        yield Plot()
        yield Static(classes="foot", markup=False)

    def on_mount(self) -> None:
        """Show whose maps these are."""
        self.map_display.title = f"what {printable(self.run.id)} looked at through its training"
        self.map_display.say_progress("")

    def read(self) -> tuple[Watched | None, tuple[str, ...]]:
        """Read what is new of the run, and what its classes are called."""
        return read_watched(self.run, self.watched), self._names or class_names(self.run)

    def take(self, found: tuple[Watched | None, tuple[str, ...]]) -> None:
        """Show it if it has changed."""
        before, (self.watched, self._names) = self.watched, found
        is_same = before is not None and self.watched is not None and self.watched.rows == before.rows
        if not is_same or not self._was_read:
            self._was_read = True
            self._arrays.clear()
            self.redraw()

    @property
    def epoch(self) -> int:
        """The selected epoch; 0 where there is none."""
        epochs = self.watched.epochs if self.watched is not None else ()
        return epochs[self.place] if epochs else 0

    # -- showing

    def redraw(self) -> None:
        """Show the epoch, its maps read where that was not done yet."""
        self._redraw()

    @work(exclusive=True, group="show")
    async def _redraw(self) -> None:
        watched = self.watched
        self.query_one(MapGrid).display = self.query_one(Plot).display = self.epoch > 0
        if watched is None or not self.epoch:
            self.map_display.say_head(Content.styled(NOTHING if watched is None else "no epoch is over yet", MUTED))
            return
        self._plot(watched)
        wanted = {self.epoch, watched.epochs[0], watched.epochs[-1]} - self._arrays.keys()
        try:
            self._arrays |= await in_thread(_read, watched, wanted)
        except (OSError, KeyError):
            self.look()  # the run is going on, and does an epoch again
            return
        self._show(watched)

    def _show(self, watched: Watched) -> None:
        view = EpochView(watched, self._arrays, self._names, self.place, self.sample)
        sign = self.map_display.legend(signed=False)
        self.map_display.say_head(view.about_epoch(), view.about_sample(shows_all=self.shows_all) + sign)
        self.query_one(MapGrid).set_room(*((2, GRID_COLUMNS) if self.shows_all else (1, None)))
        self.map_display.show(view.all_tiles() if self.shows_all else view.tiles_of_sample())

    def _plot(self, watched: Watched) -> None:
        epochs, alarms = watched.epochs, watched.alarms
        moved = dict(zip(epochs, watched.moved, strict=True))
        lines = [
            Line("val_accuracy", epochs, [row.accuracy for row in watched.rows]),
            Line("maps moved", epochs, list(moved.values()), 1),
        ]
        if alarms:
            lines.append(Line("alarm", alarms, [moved[epoch] for epoch in alarms], ALARM_COLOUR, joined=False))
        self.query_one(Plot).show(Figure("", tuple(lines), "epoch", cursor=float(self.epoch), cells=self.plot_cells))

    # -- what the keys do

    def action_absolute(self) -> None:
        """Change between signed maps and their magnitudes."""
        self.map_display.toggle_absolute()

    def action_overlay(self) -> None:
        """Change between maps over their image and maps alone."""
        self.map_display.toggle_overlay()

    def action_epoch(self, by: int) -> None:
        """Go to another epoch; past the last one, it is followed."""
        if self.watched is not None and self.watched.rows:
            count = len(self.watched.rows)
            place = min(max(self.place % count + by, 0), count - 1)
            self._go(place if place < count - 1 else -1)

    def action_epoch_to(self, end: str) -> None:
        """Go to the first or to the last epoch."""
        self._go(0 if end == "start" else -1)

    def action_alarm(self) -> None:
        """Go to the next alarm; after the last one, to the first."""
        alarms = self.watched.alarms if self.watched is not None else ()
        if self.watched is None or not alarms:
            self.console.tell("there is no alarm: accuracy never stood still while the maps moved")
            return
        following = next((epoch for epoch in alarms if epoch > self.epoch), alarms[0])
        self._go(self.watched.epochs.index(following))

    def _go(self, place: int) -> None:
        self.place = place
        self.redraw()

    def action_sample(self, by: int) -> None:
        """Show another image."""
        if self.watched is not None:
            self.sample = (self.sample + by) % len(self.watched.probe.indices)
            self.shows_all = False
            self.redraw()

    def action_all(self) -> None:
        """Show all images, or one."""
        self.shows_all = not self.shows_all
        self.redraw()


def _read(watched: Watched, epochs: Iterable[int]) -> dict[int, Arrays]:
    return {epoch: (watched.maps(epoch), watched.probabilities(epoch)) for epoch in epochs}
