"""Curves from the events of a journal, in columns whose size is bounded whatever the length of the run."""

from __future__ import annotations

import math
from array import array
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from xaitui.events import EpochFinished, Event, RunContinued, RunResumed, RunStarted, StepLogged
from xaitui.runs.directory import RunDirectory
from xaitui.runs.journal.journal import Entry, JournalReader

XAxis = Literal["step", "epoch", "time"]
"""Optimizer steps; fractional epochs; or seconds of work since the start, without pauses and interruptions."""

MOST_POINTS = 20_000
"""Most points of a curve: at twice as many, neighbouring points are merged."""

LONGEST_GAP = 3600.0
"""Most seconds that count as work between two events; a longer gap means a clock that was set, or a machine asleep."""
LAST_EPOCHS = 100
BLOCK = 128
"""Points that are smoothed in one matrix product."""

_PLACES = ("step", "time")
_STEP_COLUMNS = ("loss", "lr", "images_per_second")


@dataclass(frozen=True)
class Curve:
    """Finite points of one quantity."""

    x: NDArray[np.float64]
    """Of shape (N,), ascending."""
    y: NDArray[np.float64]
    """Of shape (N,)."""

    def __len__(self) -> int:
        return len(self.x)


class _Table:
    """Growing table of step, seconds and some values; NaN where a row lacks a value."""

    def __init__(self) -> None:
        self.columns: dict[str, array[float]] = {"step": array("d"), "time": array("d")}
        self.merged = 1
        """Number of logged points that a full row represents."""
        self._held = 0
        """Number of logged points in the last row so far."""

    def __len__(self) -> int:
        return len(self.columns["step"])

    def append(self, row: dict[str, float]) -> None:
        """Append a row; a step that was reached before means that the work since then is being repeated."""
        if len(self) and row["step"] <= self.columns["step"][-1]:
            self.cut(row["step"] - 1)
        if self._held < self.merged and len(self):
            self._put_into_last(row)
        else:
            self._put_behind(row)
        if len(self) >= 2 * MOST_POINTS and self._held == self.merged:
            self._merge()

    def _put_into_last(self, row: dict[str, float]) -> None:
        for name, column in self.columns.items():
            value = row.get(name, math.nan)
            column[-1] = value if name in _PLACES else (column[-1] * self._held + value) / (self._held + 1)
        self._held += 1

    def _put_behind(self, row: dict[str, float]) -> None:
        count, self._held = len(self), 1
        for name in row.keys() - self.columns.keys():
            self.columns[name] = array("d", [math.nan] * count)
        for name, column in self.columns.items():
            column.append(row.get(name, math.nan))

    def cut(self, last_step: float) -> None:
        """Drop the rows after a step."""
        keep = int(np.searchsorted(self.numbers("step"), last_step, side="right"))
        if keep < len(self):
            self._held = self.merged
        for column in self.columns.values():
            del column[keep:]

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A copy of a column; a view would prevent the array from growing."""
        return np.array(self.columns.get(name, ()), dtype=np.float64)

    def _merge(self) -> None:
        """Merge pairs of rows: the position of the second, and the mean of the values."""
        self.merged *= 2
        self._held = self.merged
        for name, column in self.columns.items():
            pairs = np.array(column[: len(column) // 2 * 2]).reshape(-1, 2)
            values = pairs[:, 1] if name in _PLACES else pairs.mean(axis=1)
            self.columns[name] = array("d", values.tobytes())


class RunSeries:
    """The curves of a run, built from the entries of its journal in order, folded or not."""

    def __init__(self) -> None:
        self.started: RunStarted | None = None
        self.finished_epochs: deque[EpochFinished] = deque(maxlen=LAST_EPOCHS)
        self.version = 0
        """Grows with every change."""
        self._steps, self._epochs = _Table(), _Table()
        self._worked = 0.0
        """Seconds of work between the first event and the last."""
        self._last = math.nan
        """Wall-clock time of the last event."""

    def later_part(self) -> RunSeries:
        """An empty series for a later part of the same journal, before the part in between has been read."""
        later = RunSeries()
        later.started, later.version = self.started, 1
        later._worked, later._last = self._worked, self._last
        return later

    def followed_by(self, later: RunSeries, name: str, x: XAxis) -> Curve:
        """A curve of this part and a later one, with a gap where the journal between has not been read."""
        first, second = self.curve(name, x), later.curve(name, x)
        if not len(second):
            return first
        before = first.x < second.x[0]
        return Curve(np.concatenate([first.x[before], second.x]), np.concatenate([first.y[before], second.y]))

    def extend(self, entries: Iterable[Entry]) -> None:
        """Take further entries."""
        for entry in entries:
            self._take(entry.event)
            self.version += 1

    def _take(self, event: Event) -> None:
        if event.time > self._last and not isinstance(event, RunResumed | RunContinued):
            self._worked += min(event.time - self._last, LONGEST_GAP)
        self._last = event.time  # if the clock was set back, counting continues from there
        match event:
            case RunStarted():
                self.started = event
            case RunResumed():
                self._rewind(event.from_step)
            case StepLogged():
                self._steps.append(self._row(event.step) | {name: getattr(event, name) for name in _STEP_COLUMNS})
            case EpochFinished():
                self.finished_epochs.append(event)
                scores = {f"val_{name}": value for name, value in event.val.items()}
                trained = {"train_loss": event.train_loss, "train_accuracy": event.train_accuracy}
                self._epochs.append(self._row(event.step) | trained | scores)

    def _row(self, step: int) -> dict[str, float]:
        return {"step": float(step), "time": self._worked}

    def _rewind(self, step: int) -> None:
        """Drop the work after the checkpoint of a resume, which is repeated."""
        self._steps.cut(step)
        self._epochs.cut(step)
        while self.finished_epochs and self.finished_epochs[-1].step > step:
            self.finished_epochs.pop()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the existing curves."""
        own = [name for table in (self._steps, self._epochs) for name in table.columns]
        return tuple(name for name in dict.fromkeys(own) if name not in _PLACES)

    def curve(self, name: str, x: XAxis = "step") -> Curve:
        """A curve over an axis: "loss", "lr", "images_per_second" by logged step; "train_loss", "val_auc" by epoch.

        An unknown name gives no points.
        """
        table = self._steps if name in _STEP_COLUMNS else self._epochs
        y = table.numbers(name)
        if not len(y):
            return Curve(y, y)
        return _finite(self.along(table.numbers("time" if x == "time" else "step"), x), y)

    def along(self, steps: NDArray[np.float64], x: XAxis) -> NDArray[np.float64]:
        """Steps as positions on an axis of steps or epochs; for seconds they are given as such."""
        per_epoch = self.started.steps_per_epoch if self.started and x == "epoch" else 1
        return steps / max(1, per_epoch)

    def position_of_epoch(self, epoch: int, x: XAxis) -> float | None:
        """Position of the end of an epoch on an axis; None if it has not ended."""
        if self.started is None or epoch < 1:
            return None
        steps = self._epochs.numbers("step")
        index = int(np.searchsorted(steps, epoch * self.started.steps_per_epoch))
        if index >= len(steps) or steps[index] >= (epoch + self._epochs.merged) * self.started.steps_per_epoch:
            return None
        return float(self._epochs.numbers("time")[index] if x == "time" else self.along(steps[index : index + 1], x)[0])


def _finite(x: NDArray[np.float64], y: NDArray[np.float64]) -> Curve:
    good = np.isfinite(y) & np.isfinite(x)
    return Curve(x[good], y[good])


def read_series(run: RunDirectory) -> RunSeries:
    """The curves of a run, from its whole journal; empty if there is none yet.

    Raises:
        OSError: the journal cannot be read.
    """
    series = RunSeries()
    if run.journal.exists():
        series.extend(JournalReader(run.journal).poll())
    return series


def smooth(curve: Curve, weight: float) -> Curve:
    """An exponential mean that is not biased towards its start (Kingma and Ba 2015, section 3).

    Args:
        curve: the points.
        weight: weight of the previous mean at each point, from 0 (no smoothing) to below 1.
    """
    count = len(curve)
    if not weight or not count:
        return curve
    places = np.arange(BLOCK)
    kernel = np.tril((weight**places)[np.abs(places[:, None] - places)])
    blocks = np.pad(curve.y, (0, -count % BLOCK)).reshape(-1, BLOCK)
    sums = blocks @ kernel.T  # of each block alone; the loop adds the decayed sum of the earlier blocks
    decay, carry = weight ** (places + 1.0), 0.0
    for block in sums:
        block += decay * carry
        carry = block[-1]
    total = -np.expm1(np.arange(1, count + 1) * np.log(weight)) / (1 - weight)
    return Curve(curve.x, sums.ravel()[:count] / total)


def thin(curve: Curve, columns: int) -> Curve:
    """Reduce a curve to at most one point per column: the mean of the points in it.

    Args:
        curve: the points.
        columns: width of the drawing in cells or dots.
    """
    if len(curve) <= columns:
        return curve
    low, high = float(curve.x[0]), float(curve.x[-1])
    column = np.minimum(((curve.x - low) / max(high - low, 1e-300) * columns).astype(int), columns - 1)
    counts = np.bincount(column, minlength=columns)
    used = counts > 0
    x, y = (np.bincount(column, values, columns)[used] / counts[used] for values in (curve.x, curve.y))
    return Curve(x, y)
