from __future__ import annotations

from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xaitui.training.early_stopping import EarlyStopping


def follow(stopping: EarlyStopping, values: list[float]) -> list[bool]:
    return [stopping.update(epoch, value) for epoch, value in enumerate(values, start=1)]


def test_stops_after_patience_epochs_without_improvement_and_says_why() -> None:
    stopping = EarlyStopping("auc", "max", patience=2, min_delta=0.0)
    assert follow(stopping, [0.5, 0.75, 0.75]) == [True, True, False]
    assert (stopping.counter, stopping.should_stop) == (1, False)
    assert not stopping.update(4, 0.7)
    assert stopping.should_stop
    assert stopping.reason() == ("auc has not improved for 2 epochs (patience 2): the best is 0.7500, from epoch 2.")


def test_less_is_better_in_mode_min_and_small_changes_do_not_count() -> None:
    stopping = EarlyStopping("loss", "min", patience=1, min_delta=0.1)
    assert follow(stopping, [1.0, 0.95, 0.8]) == [True, False, True]
    assert not stopping.should_stop
    stopping.update(4, 0.75)
    assert stopping.reason() == (
        "loss has not improved by more than 0.1 for 1 epoch (patience 1): the best is 0.8000, from epoch 3."
    )


def test_patience_zero_never_stops_and_follows_the_best_epoch() -> None:
    stopping = EarlyStopping("accuracy", "max", patience=0, min_delta=0.0)
    follow(stopping, [0.1, 0.9, *[0.2] * 50])
    assert not stopping.should_stop
    assert (stopping.best, stopping.best_epoch, stopping.counter) == (0.9, 2, 50)


def test_nan_never_improves_and_is_not_waited_for() -> None:
    stopping = EarlyStopping("auc", "max", patience=3, min_delta=0.0)
    assert follow(stopping, [nan, nan]) == [False, False]
    assert stopping.counter == 0
    assert stopping.update(3, -inf)
    assert stopping.update(4, 0.1)
    assert follow(stopping, [nan] * 5) == [False] * 5
    assert (stopping.best_epoch, stopping.should_stop) == (4, False)


@pytest.mark.parametrize("mode", ["min", "max"])
@given(values=st.lists(st.floats(-1, 1) | st.just(nan), max_size=30), cut=st.integers(0, 30))
def test_goes_on_from_its_state_and_knows_the_first_best(mode: Any, values: list[float], cut: int) -> None:
    whole, first, second = (EarlyStopping("auc", mode, 3, 0.0) for _ in range(3))
    expected = follow(whole, values)
    got = follow(first, values[:cut])
    second.restore(first.state())
    got += [second.update(epoch, value) for epoch, value in enumerate(values[cut:], start=cut + 1)]
    assert got == expected
    assert second == whole
    finite = [value for value in values if value == value]
    if finite:
        best = min(finite) if mode == "min" else max(finite)
        assert whole.best_epoch == values.index(best) + 1
