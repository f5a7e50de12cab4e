from __future__ import annotations

from xaitui.training.compile import SHORTEST, Timing, judge, too_short


def test_a_run_that_is_over_before_anything_is_compiled_is_not_compiled() -> None:
    choice = too_short(100, 0.9 * SHORTEST["compile"] / 100)
    assert choice is not None
    assert not choice.chosen
    assert choice.reason == (
        "not compiled: forward and backward of the whole run take about 18s, and compiling takes 20s or more"
    )
    assert too_short(100, SHORTEST["compile"] / 100) is None


def test_what_is_faster_is_kept_with_its_times_and_what_is_expected() -> None:
    choice = judge(10_000, Timing(plain=0.020, fast=0.014, warm_up=42))
    assert choice.chosen
    assert choice.reason == (
        "compiled: forward and backward take 14.0 ms a step compiled, 20.0 ms plain; compiling took 42s, "
        "and the run is to take 1m00s less"
    )


def test_what_is_slower_or_within_the_noise_is_not_kept() -> None:
    for compiled in (0.030, 0.020, 0.0197):
        choice = judge(10_000, Timing(plain=0.020, fast=compiled, warm_up=42))
        assert not choice.chosen
        assert "gains nothing" in choice.reason
    assert judge(10_000, Timing(plain=0.020, fast=0.0195, warm_up=42)).chosen


def test_what_is_faster_by_the_medians_alone_is_not_kept() -> None:
    """A machine that was busy in some of the turns."""
    turns = [(0.020, 0.010)] * 6 + [(0.010, 0.020)] * 4
    timing = Timing.of(turns, warm_up=42)
    assert (timing.plain, timing.fast, timing.won) == (0.020, 0.010, 0.6)
    assert not judge(10_000, timing).chosen
    assert judge(10_000, Timing.of([*turns[:6], (0.020, 0.010), (0.020, 0.010), *turns[8:]], warm_up=42)).chosen
