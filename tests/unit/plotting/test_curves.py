from __future__ import annotations

import numpy as np
import pytest

from xaitui.plotting.curves import Curves, NamedCurve, View, figure_of, read_at, smoothed
from xaitui.runs.journal.series import Curve

TRAIN = Curve(np.arange(1000.0), np.where(np.arange(1000) % 2, 1.0, 3.0))
VAL = Curve(np.array([100.0, 200.0]), np.array([0.5, 0.25]))
BOTH = Curves((NamedCurve("train", TRAIN, 0), NamedCurve("val", VAL, 1)), mark=200.0)


def test_a_figure_has_at_most_a_point_a_column() -> None:
    shown = figure_of("loss", BOTH, View(x="epoch", log=True), 60, "ascii", cursor=7.0)
    assert [len(line.x) for line in shown.lines] == [60, 2]
    assert (shown.x_label, shown.log, shown.mark, shown.cursor, shown.cells) == ("epoch", True, 200.0, 7.0, "ascii")
    assert type(shown.lines[0].y[0]) is float  # it travels as JSON


def test_smoothing_flattens_a_curve_and_keeps_its_points() -> None:
    [train, _] = smoothed(BOTH, View(smoothing=0.9)).lines
    assert len(train.curve) == 1000
    assert np.ptp(train.curve.y[100:]) < 0.2 < np.ptp(TRAIN.y)


def test_the_last_point_at_a_place_or_before_it_is_read() -> None:
    at, readings = read_at(BOTH, 150.5)
    assert at == 150.0
    assert [(each.label, each.value) for each in readings] == [("train", 3.0), ("val", 0.5)]


def test_before_its_first_point_a_curve_has_no_value() -> None:
    assert [each.value for each in read_at(BOTH, 50.0)[1]] == [3.0, None]
    assert read_at(BOTH, -1.0)[0] is None


def test_keys_go_round_the_ways_of_looking() -> None:
    view, seen = View(), []
    for _ in range(3):
        view = view.changed("x").changed("smoothing")
        seen.append((view.x, view.smoothing))
    assert seen == [("epoch", 0.6), ("time", 0.9), ("step", 0.0)]
    assert View(smoothing=0.5).changed("smoothing").smoothing == 0.0


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (View(), ""),
        (View(log=True), "log scale"),
        (View(smoothing=0.6), "smoothed by 0.6"),
        (View(smoothing=0.9, log=True), "log scale, smoothed by 0.9"),
    ],
)
def test_a_view_says_what_the_axes_do_not(view: View, words: str) -> None:
    assert view.describe() == words
    assert view.changed("log").changed("log") == view
