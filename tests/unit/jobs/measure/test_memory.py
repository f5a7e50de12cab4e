from __future__ import annotations

import numpy as np
import torch

from xaitui.jobs.measure.memory import OF_PROCESS, MemoryMeter

MIB = 1 << 20


def test_the_peak_of_a_stretch_is_what_was_held_in_it() -> None:
    meter = MemoryMeter(torch.device("cpu"))
    meter.restart()
    before = meter.peak()
    np.ones(128 * MIB, dtype=np.uint8)
    assert meter.peak() >= before + 100 * MIB
    assert meter.available() > before
    assert meter.kind == OF_PROCESS
