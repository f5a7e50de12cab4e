from __future__ import annotations

from dataclasses import replace

from xaitui.plotting.draw import draw
from xaitui.plotting.figure import Figure, Line, from_wire, to_wire

FIGURE = Figure("scores", (Line("trials", [1.0, 2.0, 3.0], [1.0, 9.0, 2.0], joined=False),))


def test_points_that_are_not_joined_are_dots_and_nothing_between() -> None:
    drawn = "".join(text for row in draw(FIGURE, 40, 10)[1:] for text, _ in row)
    assert drawn.count("•") == 3
    assert not any("\u2800" < char <= "\u28ff" for char in drawn)
    plain = "".join(text for row in draw(replace(FIGURE, cells="ascii"), 40, 10)[1:] for text, _ in row)
    assert plain.count("*") == 3


def test_dots_travel_to_the_process_that_draws() -> None:
    assert from_wire(to_wire(FIGURE)) == FIGURE
