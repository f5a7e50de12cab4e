"""One run, several who want to write it; tests/unit/runs/test_lock.py has the locks that nobody holds any more."""

from __future__ import annotations

import signal
from pathlib import Path
from shutil import copytree

import pytest

from tests.builders.runs import own
from tests.faults.kill import TRAIN, assert_as_if_nothing_had_been, make_data
from tests.faults.writers import interrupted, one_round
from tests.run_commands import events_of, finish, run_command, spawn, take_up
from xaitui.runs.directory import RunDirectory, list_runs
from xaitui.runs.lock import Owner


def test_of_several_that_take_up_a_run_one_does(tmp_path: Path) -> None:
    one_round(0, tmp_path)


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


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return interrupted(tmp_path_factory.mktemp("left-behind"), 12)


@pytest.mark.parametrize(
    "changes",
    [{"boot": "before", "pid": 1}, {"started": 1.0}],
    ids=["of before a reboot", "of a pid that was recycled"],
)
def test_a_lock_that_nobody_holds_holds_up_nobody(
    changes: dict[str, object], left_behind: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = copied(left_behind, tmp_path)
    own(run, **changes)
    finish(take_up(run))
    assert_as_if_nothing_had_been(run)


def test_a_lock_of_another_host_is_broken_only_where_that_is_asked_for(
    left_behind: RunDirectory, tmp_path: Path
) -> None:
    run = copied(left_behind, tmp_path)
    own(run, host="far", boot="another")
    words = ["resume", str(run.path), "--headless"]
    refused = run_command(words, tmp_path)
    assert refused.returncode == 2
    assert "on far" in refused.stderr
    assert "--take-over" in refused.stderr
    assert run_command([*words, "--take-over"], tmp_path).returncode == 0
    assert_as_if_nothing_had_been(run)


def copied(run: RunDirectory, folder: Path) -> RunDirectory:
    """The same run again, and its set."""
    make_data(folder)
    return RunDirectory(Path(copytree(run.path, folder / run.id)))
