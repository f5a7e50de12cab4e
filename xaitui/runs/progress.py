"""How far a run is, and how long it still takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xaitui.events import EpochFinished, RunStarted, StepLogged

RECENT = 3
"""Finished epochs whose mean length tells how long the next ones take."""


@dataclass(frozen=True)
class Progress:
    """Where a run is; a part that cannot be told is None."""

    epoch: int
    """The epoch in work, or the last one of a run that is over."""
    epochs: int
    epoch_part: float
    """What of the epoch is done, 0 to 1."""
    run_part: float
    epoch_left: float | None
    """Seconds that the training of this epoch still takes."""
    run_left: float | None
    """Seconds until the last epoch is over, evaluations included; early stopping may end it before."""


def progress(
    started: RunStarted, epochs: int, step: StepLogged | None, finished: Sequence[EpochFinished], *, over: bool = False
) -> Progress:
    """Judge by the last logged step and the last finished epochs.

    Args:
        started: what the run was begun with.
        epochs: how many it has by now.
        step: the last one logged.
        finished: the last finished epochs, in their order.
        over: whether no more is to come.
    """
    done = finished[-1].epoch if finished else 0
    per_epoch = max(1, started.steps_per_epoch)
    within = min(1.0, max(0, step.step - done * per_epoch) / per_epoch) if step is not None else 0.0
    if over or done >= epochs:
        part = within if within else 1.0  # between two epochs, the last one is seen to be done
        return Progress(max(1, done), epochs, part, min(1.0, (done + within) / epochs), None, None)
    training, whole = _epoch_seconds(started, step, finished)
    epoch_left = None if training is None else (1 - within) * training
    run_left = None if whole is None else max(0.0, (epochs - done - within) * whole)
    return Progress(done + 1, epochs, within, (done + within) / epochs, epoch_left, run_left)


def _epoch_seconds(
    started: RunStarted, step: StepLogged | None, finished: Sequence[EpochFinished]
) -> tuple[float | None, float | None]:
    """How long an epoch takes: its training, and with its evaluation."""
    recent = list(finished)[-RECENT:]
    speed = step.images_per_second if step is not None else 0.0
    training = started.train_size / speed if speed > 0 else None
    if not recent:
        return training, training
    return training, sum(event.seconds for event in recent) / len(recent)
