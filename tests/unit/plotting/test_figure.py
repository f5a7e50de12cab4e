from __future__ import annotations

import json

from tests.unit.plotting.figures import figure
from xaitui.plotting.figure import from_wire, one_row, to_wire


def test_a_figure_survives_the_wire() -> None:
    shown = figure(log=True, mark=3.0, cells="ascii", x_label="epoch")
    assert from_wire(json.loads(json.dumps(to_wire(shown)))) == shown


def test_one_row_is_as_wide_as_was_asked_for() -> None:
    assert one_row("no data yet", 5) == [[("no da", -1)]]
    assert one_row("no", 5) == [[("no   ", -1)]]
    assert one_row("損失", 3) == [[("損 ", -1)]]


def test_one_row_stays_one_row() -> None:
    assert one_row("a\n\x1b[31m", 11) == [[(r"a\n\x1b[31m", -1)]]
