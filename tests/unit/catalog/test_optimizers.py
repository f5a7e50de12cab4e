from __future__ import annotations

import pytest

from xaitui.catalog.optimizers import OPTIMIZERS

KNOWN_SETTINGS = {"lr", "weight_decay", "momentum", "beta1", "beta2"}


def test_table_is_whole() -> None:
    assert len(OPTIMIZERS) == 11


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_row_describes_itself_and_has_a_rate(name: str) -> None:
    info = OPTIMIZERS[name]
    assert info.name == name
    assert info.description.endswith(".")
    assert {"lr", "weight_decay"} <= set(info.settings) <= KNOWN_SETTINGS
    assert all(isinstance(value, float) for value in info.settings.values())
