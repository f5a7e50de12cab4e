from __future__ import annotations

import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from xaitui.events import Profiled
from xaitui.runs.journal.describe import describe
from xaitui.training.numerics import Numerics
from xaitui.training.profile import OTHER, PHASES, STEPS, WARM_UP, Window, product_speed


@given(st.integers(2, 200))
def test_a_window_fits_into_the_steps_that_are_left(steps: int) -> None:
    window = Window.within(steps)
    assert window.warm_up + window.measured + window.traced <= steps
    assert window.measured >= 1
    assert window.traced >= 1


def test_a_long_run_has_the_whole_window_and_a_single_step_too_short_a_one() -> None:
    assert Window.within(10_000) == Window(WARM_UP, STEPS, STEPS)
    assert Window.within(1) == Window(0, 1, 1)


def test_a_matrix_product_reaches_something_and_draws_from_no_generator_of_the_run() -> None:
    before = torch.get_rng_state()
    assert math.isfinite(product_speed(Numerics(torch.device("cpu"))))
    assert product_speed(Numerics(torch.device("cpu"), "bfloat16")) > 0
    assert torch.equal(torch.get_rng_state(), before)


def profiled(**values: float) -> Profiled:
    numbers = {"flop": 12e9, "peak": 6e14, "share_of_peak": 0.5} | values
    milliseconds = {name: 1000.0 * 2**index for index, name in enumerate((*PHASES, OTHER))}
    return Profiled(
        epoch=1, step=25, steps=10, images=1270, milliseconds=milliseconds, trace="profile/trace.json", **numbers
    )


def test_the_table_fits_80_columns_and_adds_up() -> None:
    lines = describe(profiled(), 1)
    assert lines[0] == "time   mean of 10 steps, 1 images/s"
    assert [line.split()[0] for line in lines[1:8]] == [*PHASES, OTHER]
    assert lines[3].split() == ["forward", "4,000.00", "ms", "3.1", "%"]
    assert lines[8].split() == ["together", "127,000.00", "ms"]
    assert "12.00 GFLOP a step: 50.0 % of the 600,000 GFLOP/s" in lines[9]
    assert lines[-1].endswith("profile/trace.json")
    assert max(map(len, lines)) <= 80


def test_what_could_not_be_counted_is_left_away() -> None:
    lines = describe(profiled(flop=math.nan, share_of_peak=math.nan), 1)
    assert "GFLOP" not in "".join(lines)
    assert len(lines) == len(describe(profiled(), 1)) - 2
