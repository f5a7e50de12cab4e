"""A study whose processes are killed: no trial is lost, and none is done twice."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.fork_server import Forked
from tests.run_commands import made_set, run_command, spawn
from xaitui.events import EpochFinished, RunFinished, StepLogged
from xaitui.runs.directory import RunDirectory, list_runs
from xaitui.runs.journal.journal import fold, read_entries
from xaitui.runs.lock import read_owner
from xaitui.studies.folder import StudyFolder
from xaitui.studies.status import StudyReader, TrialState

TRIALS, EPOCHS = 4, 3
SWEEP = (
    *("sweep", "--dataset", "set.npz", "--batch-size", "8", "--threads", "1", "--save-every", "0.01"),
    *("--epochs", str(EPOCHS), "--vary", "lr=0.001,0.002", "--seeds", "2", "--name", "s"),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made_set(tmp_path / "set.npz", images=160)
    return tmp_path


def study(folder: Path) -> StudyFolder:
    return StudyFolder(folder / "runs" / "studies" / "s")


def wait_until(condition: Callable[[], object], process: Forked) -> None:
    """Look again and again, as long as the process is there."""
    while process.poll() is None and not condition():
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.02)


def lines_of(process: Forked) -> Iterator[str]:
    assert process.stdout is not None
    return iter(process.stdout)


def assert_each_once(folder: Path) -> None:
    """Every trial ended once, each of its epochs and steps is there once, and the choice was tested."""
    standing = StudyReader(study(folder)).read()
    assert standing.count(TrialState.FINISHED) == len(standing.trials) == TRIALS
    for run in list_runs(study(folder).trials):
        events = [entry.event for entry in fold(read_entries(run.journal))]
        assert sum(isinstance(event, RunFinished) for event in events) == 1, run.id
        assert [event.epoch for event in events if isinstance(event, EpochFinished)] == list(range(1, EPOCHS + 1))
        steps = [event.step for event in events if isinstance(event, StepLogged)]
        assert steps == sorted(set(steps))
        assert steps[-1] == EPOCHS * 20
    assert standing.best is not None
    assert all(each.row is not None and each.row.test for each in standing.best.trials)


def journal_lines(folder: Path) -> int:
    return sum(run.journal.read_bytes().count(b"\n") for run in list_runs(study(folder).trials) if run.journal.exists())


def test_a_study_that_is_killed_at_any_moment_goes_on_where_it_was(folder: Path) -> None:
    for moment in sorted(random.Random(1).sample(range(10, 250), 2)):
        with spawn(SWEEP, folder) as process:
            wait_until(lambda: journal_lines(folder) >= moment, process)  # noqa: B023 -- called at once
            process.kill()
    done = run_command(SWEEP, folder)
    assert done.returncode == 0, done.stderr
    assert_each_once(folder)


def test_a_worker_that_is_killed_leaves_its_trial_to_the_other(folder: Path) -> None:
    with spawn([*SWEEP, "--workers", "2"], folder) as process:
        found: list[psutil.Process] = []

        def is_found() -> bool:
            found[:] = writing(study(folder))
            return bool(found)

        wait_until(is_found, process)
        found[0].send_signal(signal.SIGKILL)
        _, words = process.communicate()
    assert process.returncode == 0, words
    assert "ended with -9" in words
    assert_each_once(folder)


def writing(found: StudyFolder) -> list[psutil.Process]:
    """The processes that have begun to train."""
    runs = [run for run in list_runs(found.trials) if has_steps(run)]
    owners = [read_owner(run.lock) for run in runs]
    return [psutil.Process(owner.pid) for owner in owners if owner is not None and owner.is_alive]


def has_steps(run: RunDirectory) -> bool:
    return run.journal.exists() and b"StepLogged" in run.journal.read_bytes()


def test_two_processes_at_once_do_nothing_twice(folder: Path) -> None:
    with spawn(SWEEP, folder) as one:
        next(lines_of(one))  # the study is made
        with spawn(["sweep", "work", "s"], folder) as other:
            outputs = [one.communicate(), other.communicate()]
    assert (one.returncode, other.returncode) == (0, 0), outputs
    assert_each_once(folder)


def test_a_search_that_is_killed_goes_on_without_losing_a_trial(folder: Path) -> None:
    search = [*SWEEP[: SWEEP.index("--vary")], "--vary", "lr=0.0001..0.01:log", "--sampler", "tpe", "--trials", "4"]
    words = [*search, "--name", "s"]
    with spawn(words, folder) as process:
        wait_until(lambda: journal_lines(folder) >= 60, process)
        process.kill()
    study(folder).journal.unlink(missing_ok=True)
    done = run_command(words, folder)
    assert done.returncode == 0, done.stderr
    assert_each_once(folder)


def test_a_signal_saves_the_trial_and_the_study_goes_on_later(folder: Path) -> None:
    with spawn(SWEEP, folder) as process:
        wait_until(lambda: journal_lines(folder) >= 15, process)
        process.terminate()
        _, words = process.communicate()
    assert process.returncode == 143, words
    assert "go on with: xaitui sweep resume s" in words
    states = StudyReader(study(folder)).read().counts
    assert states[TrialState.STOPPED] == 1
    done = run_command(["sweep", "resume", "s"], folder)
    assert done.returncode == 0, done.stderr
    assert_each_once(folder)


def test_stop_reaches_every_worker(folder: Path) -> None:
    long = ["--epochs", "6000", "--seeds", "1", "--workers", "2"]  # so that the request comes before the end
    with spawn([*SWEEP, *long], folder) as process:
        wait_until(lambda: len(writing(study(folder))) == 2, process)
        asked = run_command(["sweep", "stop", "s"], folder)
        process.communicate()
    assert (asked.returncode, process.returncode) == (0, 0)
    standing = StudyReader(study(folder)).read()
    assert standing.is_complete is False
    assert standing.counts[TrialState.STOPPED] == 2
