from __future__ import annotations

import json

import pytest
from rich.cells import cell_len

from tests.unit.plotting.figures import figure
from xaitui.plotting.figure import cells_of, fitted, from_wire, one_row, to_wire


def test_a_figure_survives_the_wire() -> None:
    shown = figure(log=True, mark=3.0, cells="ascii", x_label="epoch")
    assert from_wire(json.loads(json.dumps(to_wire(shown)))) == shown


def test_one_row_is_as_wide_as_was_asked_for() -> None:
    assert one_row("no data yet", 5) == [[("no da", -1)]]
    assert one_row("no", 5) == [[("no   ", -1)]]
    assert one_row("損失", 3) == [[("損 ", -1)]]


def test_one_row_stays_one_row() -> None:
    assert one_row("a\n\x1b[31m", 11) == [[(r"a\n\x1b[31m", -1)]]


TEXTS = ("", "loss", "perte é", "e\u0301", "損失", "ﾊﾝ", "a\u200bb", "…", "🙂")


@pytest.mark.parametrize("text", TEXTS)
def test_cells_are_counted_as_the_screen_counts_them(text: str) -> None:
    assert cells_of(text) == cell_len(text)


@pytest.mark.parametrize("cut", ["", "…"])
@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_cut_to_the_cells_there_are(text: str, cut: str) -> None:
    for cells in range(10):
        short = fitted(text, cells, cut)
        assert cells_of(short) <= cells
        assert short == text or cells < cells_of(text)
