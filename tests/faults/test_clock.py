"""Clocks that jump or stand, and a process that is stopped for a while."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.clock import HOUR, STEP_SECONDS, assert_sane, journal, one_round


def test_a_run_in_which_the_machine_slept_is_not_said_to_take_for_ever(tmp_path: Path) -> None:
    times = iter(range(10_000))
    run = journal(tmp_path, lambda: 1.7e9 + next(times) * STEP_SECONDS, slept=7)
    assert_sane(run, lambda: 0.0)


@pytest.mark.parametrize("jump", [-HOUR, 24 * HOUR, -1.7e9, 1e12])
def test_a_clock_that_is_set_once_changes_nothing_else(tmp_path: Path, jump: float) -> None:
    times = iter(range(10_000))

    def clock() -> float:
        count = next(times)
        return 1.7e9 + count * STEP_SECONDS + (jump if count > 40 else 0.0)

    assert_sane(journal(tmp_path, clock), clock)


@pytest.mark.parametrize("seed", range(20))
def test_clocks_that_jump_again_and_again(tmp_path: Path, seed: int) -> None:
    one_round(seed, tmp_path)
