from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plotting.figures import FALLING, figure
from xaitui.plotting.axes import Layout, layout, number
from xaitui.plotting.figure import Figure, Line


def laid_out(shown: Figure, width: int = 60, height: int = 20) -> Layout:
    plan = layout(shown, width, height)
    assert plan is not None
    return plan


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-3.0, "-3"),
        (20_000.0, "20000"),
        (200_000.0, "2e5"),
        (1_234_567.0, "1.235e6"),
        (0.5, "0.5"),
        (0.123456, "0.1235"),
        (0.00001, "1e-5"),
        (1e-10, "1e-10"),
        (1e300, "1e300"),
        (2.5e12, "2.5e12"),
    ],
)
def test_a_number_is_written_shortly(value: float, text: str) -> None:
    assert number(value) == text


@given(low=st.floats(-1e6, 1e6), span=st.floats(1e-3, 1e6), height=st.integers(8, 60), log=st.booleans())
def test_an_axis_has_ticks_with_different_labels_inside_its_limits(
    low: float, span: float, height: int, log: bool
) -> None:
    low = abs(low) + 1e-3 if log else low
    plan = laid_out(figure(Line("a", [0.0, 1.0], [low, low + span]), log=log), 60, height)
    labels = [label for _, label in plan.y.ticks]
    assert len(labels) == len(set(labels))
    assert len(labels) >= 2 or log
    assert all(plan.y.low - 1e-6 * span <= value <= plan.y.high + 1e-6 * span for value, _ in plan.y.ticks)


@given(st.lists(st.tuples(st.floats(-1e308, 1e308), st.floats(-1e308, 1e308)), min_size=1, max_size=9))
def test_every_point_falls_into_a_cell(points: list[tuple[float, float]]) -> None:
    plan = laid_out(figure(Line("a", [x for x, _ in points], [y for _, y in points])))
    for x, y in plan.points[0]:
        assert 0 <= plan.x.cell(x, plan.columns) < plan.columns
        assert 0 <= plan.y.cell(y, plan.rows) < plan.rows


def test_the_limits_stand_still_while_points_arrive() -> None:
    axes = set()
    for count in range(87, 91):
        plan = laid_out(figure(Line("a", FALLING.x[:count], FALLING.y[:count])))
        axes.add((plan.x, plan.y))
    assert len(axes) == 1


def test_a_column_and_its_value_belong_together() -> None:
    plan = laid_out(figure())
    for column in (0, 7, plan.columns - 1):
        assert plan.x.cell(plan.x.value(column, plan.columns), plan.columns) == column


def test_rows_and_columns_add_up() -> None:
    for height in range(1, 30):
        plan = laid_out(figure(), 60, height)
        assert plan.rows + (height > 1) + (height > 2) + plan.framed == max(height, 1)
        assert plan.columns + plan.gutter + 1 == 60
