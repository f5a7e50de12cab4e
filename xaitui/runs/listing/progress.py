"""Progress of a run, and its remaining time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xaitui.events import EpochFinished, RunStarted, StepLogged

RECENT = 5
"""Epochs whose median length is expected of the next: one in which the machine slept, or had other work, is no rule."""
HALTED = 3.0
"""So many times longer than is expected at the speed of now, an epoch is no rule either."""


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
    per_epoch = max(1, started.steps_per_epoch)
    done = max(finished[-1].epoch if finished else 0, step.epoch - 1 if step is not None else 0)
    within = min(1.0, max(0, step.step - done * per_epoch) / per_epoch) if step is not None else 0.0
    run_part = min(1.0, (done + within) / max(1, epochs))
    if done and not within and (over or done >= epochs):
        return Progress(done, epochs, 1.0, run_part, None, None)  # the last epoch is seen to be done
    if over:
        return Progress(done + 1, epochs, within, run_part, None, None)
    speed = step.images_per_second if step is not None else 0.0
    epoch_left = (1 - within) * started.train_size / speed if speed > 0 else None
    recent = sorted(list(finished)[-RECENT:], key=lambda each: each.seconds)
    usual = recent[(len(recent) - 1) // 2] if recent else None
    left = time_left(started, epochs, done * per_epoch + within * per_epoch, usual, speed)
    return Progress(done + 1, epochs, within, run_part, epoch_left, left)


def time_left(
    started: RunStarted, epochs: int, steps: float, finished: EpochFinished | None, images_per_second: float
) -> float | None:
    """Seconds until the last epoch is over, as of the last logged step; None where nothing tells yet.

    Args:
        started: what the run was begun with.
        epochs: how many it has by now.
        steps: finished ones.
        finished: an epoch that tells how long one takes, if there is one.
        images_per_second: speed of the last logged steps; 0 where it is not known.
    """
    seconds = _epoch_seconds(started.train_size, finished, images_per_second)
    return max(0.0, epochs - steps / max(1, started.steps_per_epoch)) * seconds if seconds > 0 else None


def _epoch_seconds(images: int, finished: EpochFinished | None, speed: float) -> float:
    """What an epoch takes, evaluation included; 0 where nothing tells.

    The one that is finished tells, unless the process was halted in its training for long: then what that epoch took
    besides training, and the speed of now.
    """
    if speed <= 0:
        return finished.seconds if finished is not None else 0.0
    training = images / speed
    if finished is None or finished.seconds <= 0:
        return training
    if finished.images_per_second <= 0:
        return finished.seconds
    expected = max(0.0, finished.seconds - images / finished.images_per_second) + training
    return expected if finished.seconds > HALTED * expected else finished.seconds
