"""Every signal at every kind of moment."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.kill import make_data
from tests.faults.signals import KINDS, MOMENTS, assert_saved, one_round, signalled


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_signal_saves_the_run_and_is_its_exit_code(tmp_path: Path, kind: str, moment: str) -> None:
    make_data(tmp_path)
    run, code = signalled(tmp_path, kind, moment)
    if moment != "test of the best weights":
        assert code == KINDS[kind][1]
    assert_saved(run, kind, code)


def test_signals_at_any_moment(tmp_path: Path) -> None:
    one_round(1, tmp_path)
