from __future__ import annotations

import pytest

from xaitui.catalog.schedules import SCHEDULES


def test_table_is_whole() -> None:
    assert len(SCHEDULES) == 6


@pytest.mark.parametrize("name", SCHEDULES)
def test_row_describes_itself_and_takes_a_warm_up_that_is_off(name: str) -> None:
    info = SCHEDULES[name]
    assert info.name == name
    assert info.description.endswith(".")
    assert info.settings["warmup_epochs"] == 0.0
