from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.builders.events import epoch_finished, finished, step
from xaitui.events import EpochFinished, LifeCycle, RunFailed, StepLogged
from xaitui.runs.journal.series import Curve
from xaitui.runs.listing.health import Health, Level, health


def judged(
    loss: Sequence[float] = (),
    epochs: Sequence[EpochFinished] = (),
    last: StepLogged | None = None,
    end: LifeCycle | None = None,
) -> Health:
    return health(Curve(np.arange(1.0, len(loss) + 1), np.array(loss)), epochs, last, end)


def epochs_of(*losses: tuple[float, float], **values: Any) -> list[EpochFinished]:
    """Epochs of a loss of training and one of validation."""
    return [
        replace(epoch_finished(number, loss=val), train_loss=train, **values)
        for number, (train, val) in enumerate(losses, start=1)
    ]


FALLING = [(1.0, 1.0), (0.8, 0.8), (0.7, 0.7), (0.6, 0.6), (0.5, 0.5)]


def test_of_nothing_nothing_is_said() -> None:
    assert judged() == Health(Level.FINE, "")


def test_a_run_that_does_well_is_healthy() -> None:
    assert judged([0.5] * 60, epochs_of(*FALLING), step(60)) == Health(Level.FINE, "healthy")
    assert judged([0.5] * 60, epochs_of(*FALLING), None, finished()) == Health(Level.FINE, "healthy")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("DivergedError", "NaN: the words"),
        ("OutOfMemoryError", "the words (at step 7)"),
        ("DiskFullError", "the words"),
    ],
)
def test_a_failure_comes_before_everything_else(kind: str, text: str) -> None:
    failed = RunFailed(epoch=1, step=7, kind=kind, message="the words", exit_code=1)
    assert judged([1.0] * 50 + [90.0], end=failed) == Health(Level.ERROR, text)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_validation_loss_that_is_no_number_is_said(value: float) -> None:
    bad = epochs_of((1.0, 1.0), (1.0, value))
    assert judged(epochs=bad) == Health(Level.WARNING, "NaN: the validation loss of epoch 2 is not finite")
    assert judged(epochs=[bad[1], bad[0]]).level is Level.FINE, "only the last one counts"


def test_a_loss_far_above_the_usual_is_a_spike() -> None:
    assert judged([1.0] * 60 + [4.0]) == Health(Level.WARNING, "loss spike: 4 at step 61, 4.0 times the usual 1")
    assert judged([1.0] * 60 + [2.9]).level is Level.FINE
    assert judged([1.0] * 60 + [4.0] + [1.0] * 5).level is Level.FINE, "it is over"
    assert judged([9.0] * 60 + [4.0]).level is Level.FINE
    assert judged([1.0] * 9 + [90.0]).level is Level.FINE, "too few to know what is usual"
    assert judged([0.0] * 60 + [4.0]).level is Level.FINE


def test_a_validation_loss_that_rises_while_the_other_falls_is_over_fitting() -> None:
    rising = [(1.0, 1.0), (0.8, 0.5), (0.6, 0.6), (0.5, 0.7), (0.4, 0.8)]
    assert judged(epochs=epochs_of(*rising)) == Health(
        Level.WARNING, "over-fitting: validation loss 0.8, lowest 0.5 at epoch 2, training loss still falls"
    )
    assert judged(epochs=epochs_of(*rising[:4])).level is Level.FINE, "not for long enough"
    assert judged(epochs=epochs_of(*rising[:4], (0.4, 0.54))).level is Level.FINE, "not by enough"
    assert judged(epochs=epochs_of(*rising[:4], (0.9, 0.8))).level is Level.FINE, "training gets worse too"
    assert judged(epochs=epochs_of(*FALLING)).level is Level.FINE


def test_a_run_that_waits_for_its_data_is_input_bound() -> None:
    assert judged(last=replace(step(1), waiting=0.31)) == Health(
        Level.WARNING, "input-bound: 31% of the time is spent waiting for data"
    )
    assert judged(last=replace(step(1), waiting=0.29)).level is Level.FINE


@pytest.mark.parametrize(("waited", "patience", "warns"), [(4, 0, False), (5, 0, True), (9, 20, False), (10, 20, True)])
def test_epochs_without_a_better_score_are_a_plateau(waited: int, patience: int, warns: bool) -> None:
    found = judged(epochs=epochs_of((1.0, 1.0), waited=waited, patience=patience, best_epoch=1))
    expected = f"plateau: no better score for {waited} epochs, the best is of epoch 1"
    assert found == (Health(Level.WARNING, expected) if warns else Health(Level.FINE, "healthy"))
