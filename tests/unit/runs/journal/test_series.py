from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders.events import epoch_finished, epoch_started, resumed, started, step
from tests.builders.runs import made_run
from xaitui.events import Event, HandingOver, Note, RunContinued, RunPaused
from xaitui.runs.directory import RunDirectory
from xaitui.runs.journal import series as series_module
from xaitui.runs.journal.journal import Entry
from xaitui.runs.journal.series import Curve, RunSeries, read_series, smooth, thin

PAUSED, CONTINUED = RunPaused(epoch=1, step=2), RunContinued(epoch=1, step=2)
HANDING_OVER = HandingOver(epoch=1, step=2, pid=7, host="near", deadline=0.0)


def series_of(*events: Event) -> RunSeries:
    series = RunSeries()
    series.extend(Entry(0, event) for event in events)
    return series


def timed(*pairs: tuple[float, Event]) -> Iterator[Event]:
    return (replace(event, time=time) for time, event in pairs)


def times(*pairs: tuple[float, Event]) -> list[float]:
    return list(map(float, series_of(*timed(*pairs)).curve("loss", "time").x))


def test_steps_and_epochs_give_curves() -> None:
    series = series_of(started(), epoch_started(1), step(1), step(2), epoch_finished(1, auc=0.75))
    assert series.curve("loss").x.tolist() == [1.0, 2.0]
    assert series.curve("loss").y.tolist() == [1.0, 2.0]
    assert series.curve("loss", "epoch").x.tolist() == [0.1, 0.2]
    assert series.curve("val_auc").x.tolist() == [10.0]
    assert series.curve("val_auc", "epoch").x.tolist() == [1.0]
    assert series.curve("train_loss").y.tolist() == [0.25]
    assert len(series.curve("val_what")) == 0
    assert {"loss", "lr", "images_per_second", "train_loss", "val_auc"} <= set(series.names)
    assert {"step", "time"}.isdisjoint(series.names)


def test_every_entry_is_a_change() -> None:
    series = series_of(started(), Note(message="a word"))
    assert series.version == 2
    series.extend([])
    assert series.version == 2


def test_what_was_done_again_is_there_once() -> None:
    series = series_of(
        started(),
        *map(step, range(1, 11)),
        epoch_finished(1),
        step(11),
        resumed(5, 0),
        *(replace(step(number), loss=0.5) for number in (6, 7)),
    )
    assert series.curve("loss").x.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert series.curve("loss").y.tolist() == [1, 2, 3, 4, 5, 0.5, 0.5]
    assert len(series.finished_epochs) == 0
    assert len(series.curve("val_accuracy")) == 0


def test_a_resume_whose_line_was_lost_still_gives_one_ascending_curve() -> None:
    series = series_of(started(), step(1), step(2), step(3), step(2), step(3), step(4))
    assert series.curve("loss").x.tolist() == [1, 2, 3, 4]


def test_time_is_that_of_work_without_pauses_and_interruptions() -> None:
    assert times((100, started()), (101, step(1)), (102, PAUSED), (502, CONTINUED), (503, step(2))) == [1, 3]
    assert times((100, started()), (101, step(1)), (9000, resumed(1, 0)), (9001, step(2))) == [1, 2]
    assert times((100, started()), (101, step(1)), (101, HANDING_OVER), (110, resumed(1, 0)), (112, step(2))) == [1, 3]


def test_time_counts_from_the_first_line_that_can_be_read() -> None:
    assert times((1000, step(1)), (1001, started()), (1002, step(2))) == [0, 2]


def test_a_clock_that_was_set_back_loses_the_jump_and_nothing_else() -> None:
    assert times((100, started()), (101, step(1)), (50, step(2)), (53, step(3))) == [1, 1, 4]
    assert times((100, started()), (101, step(1)), (50, resumed(1, 0)), (52, step(2))) == [1, 3]


@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.sampled_from([None, PAUSED, CONTINUED, resumed(1, 0)])), max_size=9))
def test_time_ascends_whatever_the_clock_does(moments: list[tuple[float, Event | None]]) -> None:
    events = [(time, event or step(number)) for number, (time, event) in enumerate(moments, start=2)]
    x = times((0.0, started()), *events)
    assert x == sorted(x)
    assert all(map(math.isfinite, x))


def test_undefined_values_are_left_out() -> None:
    series = series_of(started(), epoch_finished(1, auc=math.nan), epoch_finished(2, auc=0.5))
    assert series.curve("val_auc").x.tolist() == [20.0]
    assert series.curve("val_accuracy").x.tolist() == [10.0, 20.0]


def test_a_metric_that_comes_later_has_no_points_before() -> None:
    series = series_of(started(), epoch_finished(1), epoch_finished(2, extra=0.5))
    assert series.curve("val_extra").x.tolist() == [20.0]


def test_neighbours_are_merged_so_that_memory_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series_module, "MOST_POINTS", 50)
    series = series_of(started())
    for number in range(1, 1002):
        series.extend([Entry(0, replace(step(number), time=float(number)))])
        assert len(series.curve("loss")) <= 100
    curve = series.curve("loss")
    assert curve.x.tolist() == sorted(set(curve.x.tolist()))
    assert curve.x[-1] == 1001
    assert np.all(np.diff(curve.y) > 0)
    assert curve.y[0] == pytest.approx((1 + curve.x[0]) / 2), "the mean of the steps that it stands for"


def test_where_an_epoch_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    series = series_of(*timed((5, started()), (6, epoch_finished(1)), (8, epoch_finished(2)), (9, epoch_finished(4))))
    assert series.position_of_epoch(2, "step") == 20
    assert series.position_of_epoch(2, "epoch") == 2
    assert series.position_of_epoch(2, "time") == 3
    assert series.position_of_epoch(0, "step") is None
    assert series.position_of_epoch(3, "step") is None, "its line is lost"
    assert series.position_of_epoch(5, "step") is None
    assert RunSeries().position_of_epoch(1, "step") is None
    monkeypatch.setattr(series_module, "MOST_POINTS", 2)
    merged = series_of(started(epochs=4), *map(epoch_finished, range(1, 5)))
    assert [merged.position_of_epoch(epoch, "epoch") for epoch in (1, 2, 3, 4)] == [2, 2, 4, 4]


def test_the_last_epochs_are_kept() -> None:
    series = series_of(started(epochs=150), *map(epoch_finished, range(1, 151)))
    assert [event.epoch for event in series.finished_epochs] == list(range(51, 151))
    assert len(series.curve("val_accuracy")) == 150


def test_a_journal_is_read_at_once(runs_dir: Path) -> None:
    run = made_run(runs_dir, "run", started(), step(1), step(2))
    assert read_series(run).curve("loss").y.tolist() == [1.0, 2.0]
    assert read_series(RunDirectory(runs_dir / "new")).started is None


def curve_of(values: list[float]) -> Curve:
    return Curve(np.arange(len(values), dtype=float), np.array(values))


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=300), st.floats(0.001, 0.9999))
def test_smoothing_is_the_debiased_exponential_mean(values: list[float], weight: float) -> None:
    mean, expected = 0.0, []
    for count, value in enumerate(values, start=1):
        mean = weight * mean + (1 - weight) * value
        expected.append(mean / (1 - weight**count))
    assert smooth(curve_of(values), weight).y == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_smoothing_keeps_what_is_constant_from_the_first_point_on() -> None:
    assert smooth(curve_of([3.0] * 1000), 0.99).y == pytest.approx([3.0] * 1000)
    assert smooth(curve_of([1.0, 2.0]), 0.0).y.tolist() == [1.0, 2.0]
    assert len(smooth(curve_of([]), 0.9)) == 0


def test_thinning_gives_one_mean_a_column() -> None:
    curve = curve_of([float(number) for number in range(1000)])
    thinned = thin(curve, 10)
    assert len(thinned) == 10
    assert thinned.y[0] == pytest.approx(np.mean(range(100)))
    assert thinned.x.tolist() == thinned.y.tolist()
    assert thin(curve_of([1.0, 2.0]), 10).y.tolist() == [1.0, 2.0]


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=80), st.integers(1, 40))
def test_thinning_never_gives_more_points_than_columns(places: list[float], columns: int) -> None:
    curve = Curve(np.array(sorted(places)), np.ones(len(places)))
    thinned = thin(curve, columns)
    assert len(thinned) <= max(columns, 1)
    assert np.all(np.diff(thinned.x) >= -1e-6)
    assert np.allclose(thinned.y, 1.0)


def test_points_at_one_place_are_one_point() -> None:
    assert thin(Curve(np.zeros(50), np.arange(50.0)), 10).y.tolist() == [24.5]
