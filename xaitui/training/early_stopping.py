"""Early stopping, and the best epoch of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass
class EarlyStopping:
    """Follows one metric over the epochs of a run."""

    monitor: str
    """Name of the metric, for `reason`."""
    mode: Literal["min", "max"]
    """Whether less or more of it is better."""
    patience: int
    """Epochs in a row without improvement after which to stop; 0 never stops, but still tracks the best epoch."""
    min_delta: float
    """The smallest change that counts as an improvement, in the metric's own unit."""
    best: float | None = None
    """None until the first value that is not NaN."""
    best_epoch: int | None = None
    counter: int = 0
    """Epochs since the last improvement; those in which the metric was undefined are not counted."""

    def update(self, epoch: int, value: float) -> bool:
        """Record the metric of an epoch; return whether it is the best so far. NaN or an equal value never is."""
        improved = self._improves(value)
        if improved:
            self.best, self.best_epoch, self.counter = value, epoch, 0
        elif not math.isnan(value):
            self.counter += 1
        return improved

    def _improves(self, value: float) -> bool:
        if self.best is None:
            return not math.isnan(value)
        gain = value - self.best if self.mode == "max" else self.best - value
        return gain > self.min_delta

    @property
    def should_stop(self) -> bool:
        """Whether the patience is used up."""
        return 0 < self.patience <= self.counter

    def reason(self) -> str:
        """One sentence on why to stop: the metric, its best value and epoch, and the patience."""
        epochs = f"{self.counter} epoch{'' if self.counter == 1 else 's'}"
        if self.best is None:  # a run that was stopped by an older version
            return f"{self.monitor} was undefined for {epochs} (patience {self.patience})."
        by = f" by more than {self.min_delta:g}" if self.min_delta else ""
        return (
            f"{self.monitor} has not improved{by} for {epochs} (patience {self.patience}): "
            f"the best is {self.best:.4f}, from epoch {self.best_epoch}."
        )

    def state(self) -> dict[str, float | int | None]:
        """Return the values that a checkpoint must keep."""
        return {"best": self.best, "best_epoch": self.best_epoch, "counter": self.counter}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore the values returned by `state`."""
        self.best, self.best_epoch, self.counter = state["best"], state["best_epoch"], state["counter"]


def end_reason(stopping: EarlyStopping, epochs_done: int, epochs: int) -> str:
    """Why a run of `epochs` epochs has no more of them; empty while it has some."""
    if epochs_done and stopping.should_stop:
        return f"early stopping: {stopping.reason()}"
    return f"all {epochs} epochs are done" if epochs_done >= epochs else ""
