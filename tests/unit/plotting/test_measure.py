from __future__ import annotations

import pytest
from rich.cells import cell_len

from xaitui.plotting.measure import cells_of, fitted

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
