"""Every signal at every kind of moment."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.faults.kill import make_data
from tests.faults.signals import KINDS, MOMENTS, assert_saved, check_download, one_round, signalled
from tests.file_server import serving


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_signal_saves_the_run_and_is_its_exit_code(tmp_path: Path, kind: str, moment: str) -> None:
    make_data(tmp_path)
    run, code = signalled(tmp_path, kind, moment)
    if moment != "test of the best weights":
        assert code == KINDS[kind][1]
    assert_saved(run, kind, code)


@pytest.mark.parametrize("kind", KINDS)
def test_a_download_that_a_signal_ends_is_gone_on_with(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as server:
        code = check_download(tmp_path, kind, server)
    first = KINDS[kind][0][0]
    assert code == (130 if first == signal.SIGINT else -first)  # there is nothing to be saved first


def test_signals_at_any_moment(tmp_path: Path) -> None:
    one_round(1, tmp_path)
