"""The two runs screen: maps of the same images by two runs, their difference and their rank correlation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from xaitui.colormap import scaled
from xaitui.metrics.format import score_text
from xaitui.metrics.rank_correlation import rank_correlation
from xaitui.runs.directory import RunDirectory
from xaitui.runs.explanations.training_maps import Probe, Watched, read_watched
from xaitui.runs.listing.comparison import short_labels
from xaitui.text import printable, quoted
from xaitui.tui.explain.map_display import MapDisplay, class_name, class_names
from xaitui.tui.explain.map_grid import MapGrid, Tile
from xaitui.tui.palette import MUTED
from xaitui.tui.polling_screen import PollingScreen
from xaitui.tui.threads import in_thread, work

ROWS_OF_TILE = 16
"""Rows of the grid that a map of 28 px needs: where there are more, more images are seen."""

Pair = tuple[Watched | None, Watched | None]


class TwoRunsScreen(PollingScreen[Pair]):
    """Compares the training maps of two runs, after the same epoch or after the last one of each."""

    NAME = "two_runs"

    def __init__(self, first: RunDirectory, second: RunDirectory) -> None:
        super().__init__()
        self.map_display = MapDisplay(self, self.redraw)
        self.runs = (first, second)
        self.labels = tuple(map(printable, short_labels([first.id, second.id])))
        self.pair: Pair = (None, None)
        self.epoch = 0
        """After which epoch, or after the last one of a run that has fewer; 0 for the last of each."""
        self.sample = 0
        self._names: tuple[str, ...] = ()
        self._was_read = False

    def compose_body(self) -> Iterable[Widget]:
        """The head, the maps, and a line about problems."""
        yield Static(classes="head", markup=False)
        yield MapGrid()
        yield Static(classes="foot", markup=False)

    def on_mount(self) -> None:
        """Show whose maps these are."""
        self.map_display.title = f"what {self.labels[0]} and {self.labels[1]} look at"
        self.map_display.say_progress("")

    def read(self) -> Pair:
        """Read what is new of both runs."""
        self._names = self._names or class_names(self.runs[0])
        one, other = (read_watched(run, before) for run, before in zip(self.runs, self.pair, strict=True))
        return one, other

    def take(self, found: Pair) -> None:
        """Show it if it has changed."""
        before, self.pair = self.pair, found
        if not self._was_read or [_rows(each) for each in before] != [_rows(each) for each in found]:
            self._was_read = True
            self.redraw()

    def redraw(self) -> None:
        """Show the maps of both."""
        self._redraw()

    @work(exclusive=True, group="show")
    async def _redraw(self) -> None:
        one, other = self.pair
        problem = self._problem()
        if one is None or other is None or problem:
            self.map_display.say_head(Content.styled(problem, MUTED))
            self.map_display.show([])
            return
        try:
            maps = [await in_thread(each.maps, self._epoch_of(each)) for each in (one, other)]
        except (OSError, KeyError):
            self.look()  # a run is going on, and does an epoch again
            return
        self._show(one, other, maps)

    def _problem(self) -> str:
        """Why there is nothing to compare."""
        for label, watched in zip(self.labels, self.pair, strict=True):
            if watched is None or not watched.rows:
                by_hand = f"xaitui explain {quoted(self.labels[0])} --against {quoted(self.labels[1])}"
                return f"{label} watched nothing (--watch-samples); by hand: {by_hand}"
        one, other = self.pair
        assert one is not None
        assert other is not None
        same = one.probe.is_same(other.probe)
        return "" if same else "the runs watched different images: their data, classes or splits are not the same"

    def _epoch_of(self, watched: Watched) -> int:
        at_most = [epoch for epoch in watched.epochs if epoch <= self.epoch] if self.epoch else []
        return at_most[-1] if at_most else watched.epochs[-1 if not self.epoch else 0]

    def _show(self, one: Watched, other: Watched, maps: Sequence[NDArray[np.float32]]) -> None:
        first, second = maps
        alike = rank_correlation(first, second) if first.shape == second.shape else np.full(len(first), math.nan)
        mean = score_text(float(np.nanmean(alike)) if np.isfinite(alike).any() else math.nan, 2)
        epochs = [self._epoch_of(each) for each in (one, other)]
        layers = " and ".join(dict.fromkeys(printable(each.probe.layer) for each in (one, other)))
        self.map_display.say_head(
            Content.assemble(
                (f"image {self.sample + 1} of {len(first)}", "bold"),
                f"  rank correlation {score_text(alike[self.sample], 2)}",
                (f", mean of all {mean}", MUTED),
            ),
            Content.assemble(
                (f"Grad-CAM of {layers}, true class  ", MUTED),
                self.map_display.legend(signed=False),
            ),
        )
        grid = self.query_one(MapGrid)
        rows = max(1, min(grid.size.height // ROWS_OF_TILE, len(first)))
        grid.set_room(rows)
        seen = [(self.sample + offset) % len(first) for offset in range(rows)]
        columns = grid.room // rows
        self.map_display.show(
            [tile for at in seen for tile in self._tiles(one.probe, at, maps, epochs, alike[at])[:columns]]
        )

    def _tiles(
        self, probe: Probe, sample: int, maps: Sequence[NDArray[np.float32]], epochs: Sequence[int], alike: float
    ) -> list[Tile]:
        """A map of each run, what differs, and the image."""
        image, label = probe.images[sample], class_name(self._names, int(probe.targets[sample]))
        tiles = [
            Tile(Content.assemble((name, "bold"), (f" epoch {epoch}", MUTED)), image, each[sample], signed=False)
            for name, epoch, each in zip(self.labels, epochs, maps, strict=True)
        ]
        difference = _difference(*(each[sample] for each in maps))
        sign = self.map_display.legend(signed=True, words=(self.labels[1], self.labels[0]))
        problem = "" if difference is not None else "maps of unequal size"
        lines = [Content.styled(f"rank correlation {score_text(alike, 2)}", MUTED)]
        tiles.append(Tile(Content("more: ") + sign, image, difference, problem=problem, lines=lines))
        return [*tiles, Tile(Content.styled(f"val {probe.indices[sample]}: {label}", "bold"), image)]

    # -- what the keys do

    def action_absolute(self) -> None:
        """Change between signed maps and their magnitudes."""
        self.map_display.toggle_absolute()

    def action_overlay(self) -> None:
        """Change between maps over their image and maps alone."""
        self.map_display.toggle_overlay()

    def action_sample(self, by: int) -> None:
        """Show another image."""
        if self.pair[0] is not None:
            self.sample = (self.sample + by) % len(self.pair[0].probe.indices)
            self.redraw()

    def action_epoch(self, by: int) -> None:
        """Go to another epoch of both; past the last one, to the last of each."""
        last = max((each.epochs[-1] for each in self.pair if each is not None and each.rows), default=0)
        epoch = max((self.epoch or last) + by, 1)
        self.epoch = epoch if epoch < last else 0
        self.redraw()


def _rows(watched: Watched | None) -> object:
    return watched.rows if watched is not None else None


def _difference(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """What the second map has more than the first one, each on its own scale; None where their sizes differ."""
    return scaled(second) - scaled(first) if first.shape == second.shape else None
