from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from xaitui.execution.memory_meter import OF_PROCESS, MemoryMeter, _left_in_container

MIB = 1 << 20


def test_the_peak_of_a_stretch_is_what_was_held_in_it() -> None:
    meter = MemoryMeter(torch.device("cpu"))
    meter.restart()
    before = meter.peak()
    np.ones(128 * MIB, dtype=np.uint8)
    assert meter.peak() >= before + 100 * MIB
    assert meter.available() > before
    assert meter.kind == OF_PROCESS


@pytest.mark.parametrize(
    ("files", "left"),
    [
        ({"memory.max": "1000\n", "memory.current": "300\n"}, 700),
        ({"memory.max": "max\n", "memory.current": "300\n"}, 1 << 62),
        ({"memory/memory.limit_in_bytes": "500", "memory/memory.usage_in_bytes": "100"}, 400),
        ({}, 1 << 62),
    ],
)
def test_a_container_may_have_less_than_the_machine(files: dict[str, str], left: int, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert _left_in_container(tmp_path) == left
