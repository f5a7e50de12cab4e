from __future__ import annotations

import math
from typing import NoReturn

import plotext
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.unit.plotting.figures import FALLING, RISING, columns_of, figure, text_of
from xaitui.plotting.draw import RAISED, draw
from xaitui.plotting.figure import AXIS, CURSOR, MARK, Cells, Figure, Line

LINES: dict[str, Line] = {
    "falling": FALLING,
    "one point": Line("a", [5.0], [0.25]),
    "two points": Line("a", [1.0, 2.0], [0.5, 0.25]),
    "two points in one place": Line("a", [1.0, 1.0], [0.5, 0.25]),
    "constant": Line("a", [1.0, 2.0, 3.0], [7.0] * 3),
    "constant zero": Line("a", [0.0, 0.0, 0.0], [0.0] * 3),
    "huge": Line("a", [0.0, 1.0], [1e300, -1e300]),
    "as large as it gets": Line("a", [-1.7e308, 1.7e308], [1.7e308, -1.7e308]),
    "tiny": Line("a", [0.0, 1e-300], [1e-320, 3e-310]),
    "hardly different": Line("a", [1e9, 1e9 + 1], [0.1, 0.1 + 1e-16]),
    "not finite": Line("a", [1.0, 2.0, math.nan, 4.0], [math.nan, math.inf, 1.0, -math.inf]),
    "some finite": Line("a", [1.0, 2.0, 3.0], [1.0, math.inf, 2.0]),
    "unequal lengths": Line("a", [1.0, 2.0, 3.0], [1.0]),
    "whole numbers": Line("a", [1, 2, 3], [1, 3, 2]),
    "nothing": Line("a", [], []),
}
SIZES = ((1, 1), (2, 1), (1, 80), (3, 2), (9, 3), (20, 4), (40, 9), (78, 11), (118, 19), (300, 80))
FLOATS = st.floats(allow_nan=True, allow_infinity=True)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("name", LINES)
def test_every_row_is_as_wide_as_was_asked_for(name: str, log: bool) -> None:
    for width, height in SIZES:
        rows = text_of(draw(figure(LINES[name], log=log, mark=2.0, cursor=1.0), width, height))
        assert {len(row) for row in rows} == {width}
        assert len(rows) in (1, height)
        assert not any("plot: " in row for row in rows)


def test_all_kinds_of_lines_were_drawn() -> None:
    assert len(LINES) == 15


@given(
    points=st.lists(st.tuples(FLOATS, FLOATS), max_size=8),
    mark=st.none() | FLOATS,
    log=st.booleans(),
    cells=st.sampled_from(["braille", "block", "ascii"]),
    width=st.integers(0, 90),
    height=st.integers(0, 20),
)
def test_no_numbers_break_a_drawing(
    points: list[tuple[float, float]], mark: float | None, log: bool, cells: Cells, width: int, height: int
) -> None:
    line = Line("a", [x for x, _ in points], [y for _, y in points])
    rows = text_of(draw(figure(line, mark=mark, cursor=mark, log=log, cells=cells), width, height))
    assert all(len(row) == width for row in rows)
    assert not any("plot: " in row for row in rows)


def test_a_size_without_cells_gives_no_rows() -> None:
    assert draw(figure(), 0, 5) == draw(figure(), 5, 0) == []


def test_points_that_are_not_finite_are_left_out() -> None:
    holes = Line("train", [*FALLING.x, 5.0, math.nan, 6.0], [*FALLING.y, math.inf, 1.0, math.nan], 0)
    assert draw(figure(holes), 60, 12) == draw(figure(FALLING), 60, 12)


def test_nothing_to_draw_is_said_in_one_calm_row() -> None:
    for lines in ((), (LINES["nothing"],), (LINES["not finite"],)):
        assert text_of(draw(Figure("loss", lines), 30, 9)) == ["loss: no data yet".ljust(30)]


def test_a_log_scale_says_when_nothing_is_above_zero() -> None:
    line = Line("a", [1.0, 2.0], [0.0, -1.0])
    [row] = text_of(draw(figure(line, log=True), 60, 9))
    assert row.startswith("loss: nothing above zero")


def test_a_line_that_rises_goes_from_the_lower_left_to_the_upper_right() -> None:
    rows = text_of(draw(figure(Line("a", [0.0, 10.0], [0.0, 1.0]), cells="ascii"), 22, 12))
    marks = [row.find("*", 2) for row in rows[1:-2]]
    assert marks == sorted(marks, reverse=True)
    assert marks[-1] == rows[-2].index("+") + 1


def test_a_value_stands_in_the_row_of_its_label() -> None:
    for value in (0.0, 1.0, 2.0):
        line = Line("a", [0.0, 1.0, 2.0, 3.0], [0.0, 2.0, value, value])
        rows = text_of(draw(figure(line, cells="ascii"), 40, 14))
        [labelled] = [row for row in rows if row.strip().startswith(f"{value:g}+")]
        assert "*" in labelled[-6:]


def test_a_log_scale_is_labelled_with_the_values_themselves() -> None:
    line = Line("lr", [0.0, 1.0, 2.0, 3.0], [1e-4, 1e-3, 1e-2, 1e-1])
    rows = text_of(draw(figure(line, log=True, cells="ascii"), 60, 24))
    labels = [row.partition("+")[0].strip() for row in rows[:-2] if "+" in row]
    assert labels == ["0.1", "0.01", "0.001", "0.0001"]


def test_a_log_scale_can_be_drawn_again_and_again() -> None:
    drawings = [draw(figure(FALLING, log=True), 60, 12) for _ in range(3)]
    assert drawings[0] == drawings[1] == drawings[2]
    assert len(drawings[0]) == 12


def test_one_drawing_leaves_nothing_behind_for_the_next() -> None:
    first = draw(figure(), 60, 12)
    draw(figure(RISING, log=True, cells="ascii", cursor=3.0), 90, 5)
    assert draw(figure(), 60, 12) == first


def test_the_labels_of_the_lines_stand_in_their_colours_beside_the_title() -> None:
    title = draw(figure(), 60, 12)[0]
    assert [(text.strip(), colour) for text, colour in title] == [("loss", AXIS), ("train", 0), ("val", 1)]
    assert "".join(text for text, _ in title).endswith("train  val")


def test_a_narrow_plot_shortens_labels_and_keeps_its_width() -> None:
    lines = [Line(f"20260301-142233-pathmnist-{number}", [0.0, 1.0], [0.0, 1.0], number) for number in range(4)]
    title = text_of(draw(figure(*lines), 60, 9))[0]
    assert len(title) == 60
    assert title.count("2026030") == 4


def test_wide_characters_take_two_cells() -> None:
    line = Line("学習曲線", [0.0, 1.0], [0.0, 1.0])
    for width in range(1, 40):
        assert cell_len(text_of(draw(figure(line, title="損失 é"), width, 9))[0]) == width


def test_the_best_epoch_and_the_cursor_are_vertical_lines() -> None:
    drawing = draw(figure(RISING, mark=990.0, cursor=0.0), 60, 12)
    [cursor], [mark] = columns_of(drawing, CURSOR), columns_of(drawing, MARK)
    assert cursor == 2  # the first column after the labels and the axis
    assert mark > 50
    assert columns_of(draw(figure(RISING, mark=5000.0, cursor=math.nan), 60, 12), MARK) == set()


def test_ascii_needs_nothing_but_ascii() -> None:
    rows = text_of(draw(figure(cells="ascii", mark=500.0, cursor=200.0), 60, 14))
    assert all(row.isascii() for row in rows)
    assert rows[0].endswith("* train  + val")
    assert "*" in "".join(rows[1:])


@pytest.mark.parametrize("cells", ["braille", "block", "ascii"])
def test_a_single_point_is_seen(cells: Cells) -> None:
    assert columns_of(draw(figure(LINES["one point"], cells=cells), 40, 9), 0)


def test_time_is_counted_in_units_that_suit_it() -> None:
    for seconds, unit in ((100, "time (s)"), (6000, "time (min)"), (40_000, "time (h)"), (400_000, "time (d)")):
        line = Line("a", [0.0, float(seconds)], [0.0, 1.0])
        assert text_of(draw(figure(line, x_label="time"), 60, 9))[-1].endswith(unit)


@pytest.mark.parametrize("kind", RAISED)
def test_what_plotext_raises_becomes_a_row(kind: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> NoReturn:
        raise kind("it broke")

    monkeypatch.setattr(plotext.figure, "build", fail)
    assert text_of(draw(figure(), 40, 9)) == [f"plot: {kind.__name__}: it broke".ljust(40)]


def test_all_kinds_of_errors_were_raised() -> None:
    assert len(RAISED) == 8
