from __future__ import annotations

import json
import math
import os
import socket
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from tests.builders.events import epoch_finished, epoch_started, finished, resumed, saved, started, step
from xaitui.event_codec import encode
from xaitui.events import (
    Event,
    HandingOver,
    RunContinued,
    RunFailed,
    RunPaused,
    RunStopped,
)
from xaitui.runs.directory import RunDirectory
from xaitui.runs.journal.journal import JournalWriter
from xaitui.runs.journal.tail import HEAD_BYTES, TAIL_BYTES
from xaitui.runs.lock import Owner
from xaitui.runs.state import State, state_of, summarise

STOPPED = RunStopped(epoch=2, step=13, reason="SIGTERM", exit_code=143, saved=True, seconds=2.0)
FAILED = RunFailed(epoch=2, step=13, kind="DivergedError", message="the loss is not finite", exit_code=5)


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    directory = RunDirectory(tmp_path / "20260301-142233-digits-simple-cnn-a1b2")
    directory.path.mkdir()
    directory.config.touch()
    return directory


def write(run: RunDirectory, *events: Event) -> None:
    journal = JournalWriter(run.journal, clock=lambda: 5.0)
    for event in events:
        journal.append(event)
    journal.close()


def own(run: RunDirectory, **changes: object) -> Owner:
    owner = replace(Owner.of_this_process(), **changes)  # type: ignore[arg-type]
    run.lock.write_text(json.dumps(asdict(owner)))
    return owner


@pytest.mark.parametrize(
    ("last", "state", "why"),
    [
        (finished(), State.FINISHED, "all 2 epochs done"),
        (STOPPED, State.STOPPED, "SIGTERM"),
        (FAILED, State.FAILED, "the loss is not finite"),
    ],
)
def test_the_last_word_of_a_run_is_its_state(last: Event, state: State, why: str, run: RunDirectory) -> None:
    write(run, started(), step(1), last)
    own(run)  # a lock that was left behind changes nothing
    summary = summarise(run)
    assert (summary.state, summary.why) == (state, why)


def test_a_run_without_a_last_word_is_what_its_process_is(run: RunDirectory) -> None:
    write(run, started(), step(1))
    assert (summarise(run).state, summarise(run).why) == (State.INTERRUPTED, "no process writes it")
    pid = own(run).pid
    assert (summarise(run).state, summarise(run).why) == (State.RUNNING, f"process {pid}")
    own(run, started=1.0)
    assert (summarise(run).state, summarise(run).why) == (State.INTERRUPTED, f"process {pid} is gone")
    own(run, host="far", boot="another", pid=7)
    assert (summarise(run).state, summarise(run).why) == (State.REMOTE, "process 7 on far")


@pytest.mark.parametrize("last", [finished(), STOPPED, FAILED])
def test_a_run_that_was_taken_up_again_runs_again(last: Event, run: RunDirectory) -> None:
    write(run, started(), step(1), saved(1), last, resumed(1, 0))
    own(run)
    assert summarise(run).state is State.RUNNING


def test_before_its_first_event_it_runs_already(run: RunDirectory) -> None:
    own(run)
    assert summarise(run).state is State.RUNNING


def test_what_is_no_run_is_a_row_that_says_so(run: RunDirectory, tmp_path: Path) -> None:
    run.config.unlink()
    assert summarise(run).state is State.BROKEN
    assert summarise(run).why == "it has neither a configuration nor a journal"
    run.journal.mkdir()
    assert summarise(run).why == "the journal cannot be read: Is a directory"
    assert summarise(RunDirectory(tmp_path / "absent")).state is State.BROKEN


def test_the_numbers_of_a_run(run: RunDirectory) -> None:
    write(run, started(), epoch_started(1), step(10), epoch_finished(1, accuracy=0.7), epoch_started(2), step(11))
    summary = summarise(run)
    assert (summary.epoch, summary.epochs, summary.step) == (2, 2, 11)
    assert (summary.best_epoch, summary.best) == (1, 0.7)
    assert summary.images_per_second == 1000.0
    assert summary.began == 5.0
    assert summary.started is not None
    assert summary.started.model == "simple-cnn"
    write(run, finished(test={"accuracy": 0.6}))
    assert summarise(run).test == {"accuracy": 0.6}
    assert summarise(run).seconds == 3.0


def test_the_numbers_of_a_run_that_has_just_begun(run: RunDirectory) -> None:
    write(run, started())
    summary = summarise(run)
    assert (summary.epoch, summary.epochs, summary.step, summary.best_epoch) == (0, 2, 0, 0)
    assert math.isnan(summary.best)


def test_a_run_with_more_epochs(run: RunDirectory) -> None:
    write(run, started(), finished(), replace(resumed(20, 0), epochs=7), epoch_started(3, epochs=7))
    assert summarise(run).epochs == 7


def test_damage_and_a_torn_end_are_passed_over(run: RunDirectory) -> None:
    write(run, started(), step(1))
    with run.journal.open("ab") as file:
        file.write(b"nonsense\n" + encode(step(2))[:-20])
    assert summarise(run).step == 1


def test_of_a_long_run_head_and_tail_are_enough(run: RunDirectory) -> None:
    epochs = 400
    events: list[Event] = [started(epochs=epochs)]
    for epoch in range(1, epochs + 1):
        events += [epoch_started(epoch, epochs), *(step(10 * (epoch - 1) + number) for number in range(1, 11))]
        events += [epoch_finished(epoch, accuracy=epoch / epochs)]
    run.journal.write_bytes(b"".join(encode(event) for event in events))
    assert run.journal.stat().st_size > 2 * (HEAD_BYTES + TAIL_BYTES[1])
    summary = summarise(run)
    assert (summary.epoch, summary.step, summary.best) == (epochs, 10 * epochs, 1.0)
    assert summary.started == started(epochs=epochs)
    write(run, finished())
    assert summarise(run).state is State.FINISHED


def test_a_paused_run_is_paused_as_long_as_its_process_lives(run: RunDirectory) -> None:
    write(run, started(), step(1), RunPaused(epoch=1, step=1))
    assert summarise(run).state is State.INTERRUPTED
    own(run)
    assert summarise(run).state is State.PAUSED
    assert summarise(run).state.is_live
    own(run, started=1.0)
    assert summarise(run).state is State.INTERRUPTED
    own(run, host="far", boot="another", pid=7)
    assert summarise(run).state is State.REMOTE
    own(run)
    write(run, RunContinued(epoch=1, step=1))
    assert summarise(run).state is State.RUNNING


def handing_over(**values: Any) -> HandingOver:
    """A run that this process lets go, and takes up itself."""
    base: dict[str, Any] = {
        "epoch": 1,
        "step": 1,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "deadline": time.time() + 60,
    }
    return HandingOver(**(base | values))


ABSENT = 1 << 22
"""More than any process of Linux has for its number."""


@pytest.mark.parametrize(
    ("values", "state", "why"),
    [
        ({}, State.RUNNING, f"process {os.getpid()} is taking it over"),
        ({"pid": ABSENT}, State.INTERRUPTED, f"process {ABSENT} was to take it over and did not"),
        ({"deadline": 1.0}, State.INTERRUPTED, f"process {os.getpid()} was to take it over and did not"),
        ({"host": "far", "pid": ABSENT}, State.RUNNING, f"process {ABSENT} is taking it over"),
        ({"host": "far", "deadline": 1.0}, State.INTERRUPTED, f"process {os.getpid()} was to take it over"),
    ],
    ids=["alive", "gone", "late", "far", "far and late"],  # the same in every process: the reasons name one
)
def test_a_run_that_is_handed_over_runs_as_long_as_somebody_may_take_it_up(
    values: dict[str, Any], state: State, why: str
) -> None:
    event, here = handing_over(**values), Owner.of_this_process()
    for owner in (None, replace(here, started=1.0)):
        found = state_of(event, owner)
        assert found[0] is state
        assert found[1].startswith(why)
    assert state_of(event, here) == (State.RUNNING, f"process {here.pid}"), "the one before, or already the next"
    assert state_of(event, replace(here, host="elsewhere", boot="another"))[0] is state


def test_the_list_knows_a_run_that_nobody_took_over(run: RunDirectory) -> None:
    write(run, started(), step(1), handing_over(pid=ABSENT))
    assert summarise(run).state is State.INTERRUPTED
    assert "train.log" in summarise(run).why
