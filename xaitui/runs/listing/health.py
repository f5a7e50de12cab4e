"""Health of a run: at most one warning, from a few rules that each state what they found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from xaitui.events import EpochFinished, LifeCycle, RunFailed, StepLogged
from xaitui.runs.journal.series import Curve

SPIKE = 3.0
"""Times the median of the steps before that a loss must be to be a spike."""
WINDOW = 50
"""Logged steps that a spike is compared with."""
PLATEAU_EPOCHS = 5
"""Epochs without a better score that are a plateau, where no patience says otherwise."""
GAP_EPOCHS = 3
GAP = 1.1
"""Over-fitting: validation loss is so many times its lowest, of so many epochs ago, while that of training falls."""
WAITING = 0.3
"""Part of the time spent waiting for data from which on the input is what holds the run up."""


class Level(StrEnum):
    """How bad it is."""

    FINE = "fine"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Health:
    """The worst of what was seen."""

    level: Level
    text: str


def health(loss: Curve, epochs: Sequence[EpochFinished], step: StepLogged | None, end: LifeCycle | None) -> Health:
    """Judge a run; errors before warnings.

    Args:
        loss: of the logged steps, by step.
        epochs: the last finished ones, in their order.
        step: the last logged one.
        end: the last life-cycle event.
    """
    if isinstance(end, RunFailed):
        return Health(Level.ERROR, _failure(end))
    for warning in (_not_finite(epochs), _spike(loss), _overfitting(epochs), _input_bound(step), _plateau(epochs)):
        if warning:
            return Health(Level.WARNING, warning)
    return Health(Level.FINE, "healthy" if step is not None or epochs else "")


def _failure(event: RunFailed) -> str:
    match event.kind:
        case "DivergedError":
            return f"NaN: {event.message}"
        case "OutOfMemoryError":
            return f"{event.message} (at step {event.step})"
    return event.message


def _not_finite(epochs: Sequence[EpochFinished]) -> str:
    if epochs and not math.isfinite(epochs[-1].val.get("loss", 0.0)):
        return f"NaN: the validation loss of epoch {epochs[-1].epoch} is not finite"
    return ""


def _spike(loss: Curve) -> str:
    before, last = loss.y[-WINDOW - 1 : -1], loss.y[-5:]
    if len(before) < WINDOW // 5 or not len(last):
        return ""
    usual = float(np.median(before))
    if usual <= 0 or last.max() < SPIKE * usual:
        return ""
    at = int(loss.x[-len(last) :][int(last.argmax())])
    return f"loss spike: {last.max():.4g} at step {at}, {last.max() / usual:.1f} times the usual {usual:.4g}"


def _overfitting(epochs: Sequence[EpochFinished]) -> str:
    losses = [event.val.get("loss", math.nan) for event in epochs]
    if len(losses) <= GAP_EPOCHS or not all(map(math.isfinite, losses)):
        return ""
    lowest = min(range(len(losses)), key=losses.__getitem__)
    rises = len(losses) - 1 - lowest >= GAP_EPOCHS and losses[-1] > GAP * losses[lowest]
    if rises and epochs[-1].train_loss < epochs[lowest].train_loss:
        return (
            f"over-fitting: validation loss {losses[-1]:.4g}, lowest {losses[lowest]:.4g} at epoch "
            f"{epochs[lowest].epoch}, training loss still falls"
        )
    return ""


def _input_bound(step: StepLogged | None) -> str:
    if step is None or step.waiting < WAITING:
        return ""
    return f"input-bound: {step.waiting:.0%} of the time is spent waiting for data"


def _plateau(epochs: Sequence[EpochFinished]) -> str:
    if not epochs:
        return ""
    last = epochs[-1]
    if last.waited < max(PLATEAU_EPOCHS, last.patience // 2):
        return ""
    return f"plateau: no better score for {last.waited} epochs, the best is of epoch {last.best_epoch}"
