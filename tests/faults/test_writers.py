"""One run, several who want to write it; tests/unit/runs/test_owner.py has the locks that nobody holds any more."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.faults.kill import TRAIN, assert_as_if_nothing_had_been, make_data
from tests.faults.writers import interrupted, one_round
from tests.made_runs import own
from tests.runs_for_tests import events_of, run_command, spawn
from xaitui.runs.directory import list_runs
from xaitui.runs.owner import Owner


@pytest.mark.parametrize("seed", [0, 1])
def test_of_several_that_take_up_a_run_one_does(tmp_path: Path, seed: int) -> None:
    one_round(seed, tmp_path)


def test_a_run_that_goes_on_is_not_taken_up_or_removed_and_it_is_said_who_writes_it_and_where(tmp_path: Path) -> None:
    make_data(tmp_path)
    with spawn([*TRAIN, "--runs-dir", "runs"], tmp_path) as process:
        next(events_of(process))
        process.send_signal(signal.SIGSTOP)
        run = list_runs(tmp_path / "runs")[0]
        host = Owner.of_this_process().host
        for words in (["resume", str(run.path), "--headless"], ["runs", "rm", str(run.path), "--yes"]):
            refused = run_command(words, tmp_path)
            assert refused.returncode == 2
            assert refused.stderr.count("\n") == 1
            assert words[0] != "resume" or f"process {process.pid} on {host}" in refused.stderr
        process.send_signal(signal.SIGCONT)
        process.communicate()
    assert process.returncode == 0
    assert_as_if_nothing_had_been(run)


@pytest.mark.parametrize(
    ("changes", "more", "code"),
    [
        ({"boot": "before", "pid": 1}, (), 0),
        ({"started": 1.0}, (), 0),
        ({"host": "far", "boot": "another"}, (), 2),
        ({"host": "far", "boot": "another"}, ("--take-over",), 0),
    ],
    ids=["reboot", "recycled pid", "another host", "another host, taken over"],
)
def test_a_lock_that_nobody_holds(tmp_path: Path, changes: dict[str, object], more: tuple[str, ...], code: int) -> None:
    run = interrupted(tmp_path, 12)
    own(run, **changes)
    done = run_command(["resume", str(run.path), "--headless", *more], tmp_path)
    assert done.returncode == code, done.stderr
    if code:
        assert "on far" in done.stderr
        assert "--take-over" in done.stderr
    else:
        assert_as_if_nothing_had_been(run)
