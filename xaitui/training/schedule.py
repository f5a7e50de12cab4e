"""The learning rate as a pure function of the step, so that it can be resumed anywhere and drawn before a run.

torch's schedulers keep state, cannot all be combined with a warm-up, and one-cycle refuses to continue past its end.
Here each kind is one function of the step, and tests compare each with torch's scheduler.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from xaitui.catalog.schedules import SCHEDULES
from xaitui.errors import UsageError, nearest


@dataclass(frozen=True)
class Schedule:
    """The learning rate of every step of a run."""

    name: str
    settings: Mapping[str, Any]
    """Values of the settings that the catalog lists for this schedule."""
    base_lr: float
    """The rate where the schedule's factor is 1; the peak of one-cycle."""
    steps_per_epoch: int
    epochs: int

    @property
    def total_steps(self) -> int:
        """The horizon: number of optimizer steps of the planned run."""
        return self.steps_per_epoch * self.epochs

    @property
    def warmup_steps(self) -> int:
        """Number of steps over which the rate rises linearly; the last of them is the first at the full rate."""
        return round(float(self.settings["warmup_epochs"]) * self.steps_per_epoch)

    def rate(self, step: int, reductions: int = 0) -> float:
        """Return the learning rate of optimizer step `step`, counted from 0.

        Beyond the horizon the last rate is kept. `reductions` counts how often a `Plateau` has lowered the rate; it
        matters to the kind "plateau" only.
        """
        within = min(step, self.total_steps - 1)
        ramp = min(1.0, (step + 1) / self.warmup_steps) if self.warmup_steps else 1.0
        factor = self.settings.get("plateau_factor", 1.0) ** reductions
        return float(self.base_lr * ramp * factor * SHAPES[self.name](self, within))


def _constant(schedule: Schedule, step: int) -> float:
    return 1.0


def _step(schedule: Schedule, step: int) -> float:
    epoch = step // schedule.steps_per_epoch
    return float(schedule.settings["gamma"] ** (epoch // schedule.settings["step_epochs"]))


def _multistep(schedule: Schedule, step: int) -> float:
    # Rounded, because 0.7 of 10 steps must be step 7 although 0.7 * 10 may come out a little larger.
    passed = sum(step >= round(part * schedule.total_steps) for part in schedule.settings["milestones"])
    return float(schedule.settings["gamma"] ** passed)


def _cosine(schedule: Schedule, step: int) -> float:
    # The half wave begins after the warm-up, so that the full rate is reached, and ends one step after the last one, so
    # that no step is taken at a rate of zero.
    length = max(1, schedule.total_steps - schedule.warmup_steps)
    progress = max(0, step - schedule.warmup_steps) / length
    lowest = schedule.settings["min_lr_ratio"]
    return float(_anneal(1.0, lowest, progress))


def _onecycle(schedule: Schedule, step: int) -> float:
    first = 1.0 / schedule.settings["div_factor"]
    last = first / schedule.settings["final_div_factor"]
    peak = schedule.settings["pct_start"] * schedule.total_steps - 1  # a step, though not always a whole one
    end = schedule.total_steps - 1
    if step <= peak and peak > 0:
        return _anneal(first, 1.0, step / peak)
    return _anneal(1.0, last, (step - peak) / (end - peak)) if end > peak else 1.0


def _anneal(start: float, end: float, progress: float) -> float:
    """Go from `start` to `end` along half a cosine as `progress` goes from 0 to 1."""
    return end + (start - end) * (1.0 + math.cos(math.pi * progress)) / 2.0


SHAPES: Mapping[str, Callable[[Schedule, int], float]] = {
    "constant": _constant,
    "step": _step,
    "multistep": _multistep,
    "cosine": _cosine,
    "onecycle": _onecycle,
    "plateau": _constant,
}
"""For each kind, the factor of the base rate at a step within the horizon, warm-up and reductions aside."""

_AT_LEAST_ONE = ("step_epochs", "div_factor", "final_div_factor")


def build_schedule(
    name: str, settings: Mapping[str, Any], *, base_lr: float, steps_per_epoch: int, epochs: int
) -> Schedule:
    """Build the schedule of that name for a run of `epochs` times `steps_per_epoch` optimizer steps.

    Of `settings`, those that apply to the kind are taken; the others keep the catalog's default. Raises UsageError
    for an unknown name and for a setting that gives no schedule.
    """
    info = SCHEDULES.get(name)
    if info is None:
        raise UsageError(f"there is no schedule {name!r}{nearest(name, SCHEDULES)}")
    taken = {key: settings.get(key, default) for key, default in info.settings.items()}
    for key in _AT_LEAST_ONE:
        if key in taken and taken[key] < 1:
            raise UsageError(f"schedule.{key} is {taken[key]:g}; set it to 1 or more")
    if steps_per_epoch < 1 or epochs < 1:
        raise ValueError(f"a schedule needs steps: {epochs} epochs of {steps_per_epoch} steps")
    return Schedule(name, taken, base_lr, steps_per_epoch, epochs)


@dataclass
class Plateau:
    """Counts how often the rate must fall because a metric has stopped improving.

    The rule is that of torch's ReduceLROnPlateau with a relative threshold and no cooldown: after more than `patience`
    epochs in a row without improvement, one reduction. NaN is never an improvement.
    """

    mode: Literal["min", "max"]
    """Whether less or more of the metric is better."""
    patience: int
    """Epochs without improvement that are tolerated."""
    threshold: float
    """Relative change of the best value that counts as an improvement."""
    best: float | None = None
    """None until the first value that is not NaN."""
    bad_epochs: int = 0
    reductions: int = 0
    """Number of reductions so far, an argument of `Schedule.rate`."""

    def update(self, value: float) -> bool:
        """Record the metric of an epoch; return whether the rate is reduced now."""
        if self._improves(value):
            self.best, self.bad_epochs = value, 0
        else:
            self.bad_epochs += 1
        if self.bad_epochs <= self.patience:
            return False
        self.reductions += 1
        self.bad_epochs = 0
        return True

    def _improves(self, value: float) -> bool:
        if self.best is None:
            return not math.isnan(value)
        if self.mode == "min":
            return value < self.best * (1.0 - self.threshold)
        return value > self.best * (1.0 + self.threshold)

    def state(self) -> dict[str, float | int | None]:
        """Return what a checkpoint must keep."""
        return {"best": self.best, "bad_epochs": self.bad_epochs, "reductions": self.reductions}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore the values returned by `state`."""
        self.best, self.bad_epochs, self.reductions = state["best"], state["bad_epochs"], state["reductions"]
