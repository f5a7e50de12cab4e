"""The last epochs of a run, the newest first."""

from __future__ import annotations

import math
from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from xaitui.config.units import format_duration
from xaitui.events import EpochFinished
from xaitui.runs.follower import RunFollower
from xaitui.tui.palette import MUTED

HEADING = "epoch   train     val     acc     auc    time"


class EpochTable(Static):
    """A row an epoch: losses, accuracy, AUC, how long it took; the best one is marked."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._epochs: Sequence[EpochFinished] = ()

    def show(self, follower: RunFollower) -> None:
        """Show the epochs that a follower knows, as many as there is room for."""
        if not self._epochs or list(follower.finished_epochs) != self._epochs:
            self._epochs = list(follower.finished_epochs)
            self._lay_out()

    def on_resize(self) -> None:
        """Show more or fewer."""
        self._lay_out()

    def _lay_out(self) -> None:
        if not self._epochs:
            self.update(Content.styled("no epoch is over yet", MUTED))
            return
        best = self._epochs[-1].best_epoch
        shown = reversed(self._epochs[-max(1, self.size.height - 1) :])
        rows = [Content.styled(_row(event, best), "bold" if event.epoch == best else "") for event in shown]
        self.update(Content("\n").join([Content.styled(HEADING, MUTED), *rows]), layout=False)


def _row(event: EpochFinished, best: int) -> str:
    numbers = (event.train_loss, *(event.val.get(name, math.nan) for name in ("loss", "accuracy", "auc")))
    mark = "*" if event.epoch == best else " "
    cells = " ".join(f"{_number(value):>7}" for value in numbers)
    return f"{event.epoch:>4}{mark} {cells} {format_duration(event.seconds):>7}"


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "-"
    return f"{value:.4f}" if abs(value) < 100 else f"{value:.3g}"
