"""Events for tests: any at all, for hypothesis, and plain ones of a small run."""

from __future__ import annotations

import math
import typing
from typing import Any

from hypothesis import strategies as st

from xaitui.event_codec import LARGEST
from xaitui.events import (
    CheckpointSaved,
    EpochFinished,
    EpochStarted,
    Event,
    RunFinished,
    RunResumed,
    RunStarted,
    StepLogged,
)

TEXT = st.text(st.characters())
"""Anything, what the system could not decode included."""

_OF_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-LARGEST, LARGEST),
    float: st.floats(),
    str: TEXT,
    bool: st.booleans(),
    dict[str, float]: st.dictionaries(TEXT, st.floats(), max_size=4),
    dict[str, str]: st.dictionaries(TEXT, TEXT, max_size=4),
}


def events_of(kind: type[Event]) -> st.SearchStrategy[Event]:
    """Any event of a kind."""
    return st.builds(kind, **{name: _OF_TYPE[wanted] for name, wanted in typing.get_type_hints(kind).items()})


def started(**values: Any) -> RunStarted:
    """The first event of a run of two epochs of ten steps."""
    base: dict[str, Any] = {
        "dataset": "digits",
        "model": "simple-cnn",
        "device": "processor",
        "parameters": 100,
        "train_size": 320,
        "val_size": 32,
        "test_size": 32,
        "epochs": 2,
        "steps_per_epoch": 10,
        "log_every": 1,
        "monitor": "accuracy",
        "mode": "max",
        "patience": 0,
    }
    return RunStarted(**(base | values))


def epoch_started(epoch: int, epochs: int = 2) -> EpochStarted:
    """An epoch is next."""
    return EpochStarted(epoch=epoch, step=10 * (epoch - 1), epochs=epochs)


def step(number: int) -> StepLogged:
    """A step, which tells its number in its loss."""
    return StepLogged(
        epoch=(number - 1) // 10 + 1, step=number, loss=float(number), lr=0.001, images_per_second=1000.0, memory=0
    )


def epoch_finished(epoch: int, **val: float) -> EpochFinished:
    """An epoch is over; undefined metrics are those that are not given."""
    scores = {"loss": 0.5, "accuracy": 0.5, "auc": math.nan, "balanced_accuracy": 0.5, "macro_f1": 0.5} | val
    return EpochFinished(
        epoch=epoch,
        step=10 * epoch,
        train_loss=0.25,
        train_accuracy=0.75,
        val=scores,
        lr=0.001,
        images_per_second=1000.0,
        seconds=1.5,
        best_epoch=epoch,
        best=scores["accuracy"],
        waited=0,
        patience=0,
    )


def saved(at: int) -> CheckpointSaved:
    """A checkpoint was written."""
    return CheckpointSaved(epoch=(at - 1) // 10 + 1, step=at, path="checkpoints/last.pt", seconds=0.1)


def resumed(from_step: int, journal_offset: int) -> RunResumed:
    """The run went back to a checkpoint."""
    return RunResumed(
        from_step=from_step, journal_offset=journal_offset, checkpoint="checkpoints/last.pt", epochs=2, exact=True
    )


def finished(**values: Any) -> RunFinished:
    """The run came to its end."""
    base: dict[str, Any] = {
        "epoch": 2,
        "step": 20,
        "reason": "all 2 epochs done",
        "best_epoch": 2,
        "best": 0.5,
        "weights": "epoch 2",
        "test": {"accuracy": 0.5},
        "seconds": 3.0,
    }
    return RunFinished(**(base | values))
