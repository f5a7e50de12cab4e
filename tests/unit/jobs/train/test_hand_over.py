"""A run goes from one process to another, and its weights are those of a run that never moved."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.run_commands import ROOT, assert_equal_weights, finish, logged_steps, made_set, start
from xaitui.errors import ExitCode
from xaitui.events import (
    Event,
    HandingOver,
    LifeCycle,
    RequestAnswered,
    RunFinished,
    RunPaused,
    RunResumed,
    RunStarted,
    RunStopped,
    StepLogged,
)
from xaitui.jobs.train.execution import Execution
from xaitui.runs.directory import RunDirectory
from xaitui.runs.journal.journal import read_journal
from xaitui.runs.lock import read_owner
from xaitui.runs.requests import Request, ask
from xaitui.runs.state import State, summarise
from xaitui.stop import StopReason

HAND_OVER = StopReason("the console was left", ExitCode.FINISHED, hand_over=True)
SMALL: dict[str, Any] = {"training__batch_size": 8, "training__epochs": 2, "training__threads": 1}


@pytest.fixture(autouse=True)
def _checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture
def dataset(tmp_path: Path) -> str:
    return str(made_set(tmp_path / "set.npz"))


def hand_over(
    execution: Execution, step: int = 3, meanwhile: Callable[[HandingOver], object] = lambda event: None
) -> HandingOver:
    """Carry it out up to a step; the process that goes on waits until `meanwhile` is over."""
    last: Event | None = None
    for event in execution.events():
        if isinstance(event, StepLogged) and event.step >= step:
            execution.stop.ask(HAND_OVER)
        if isinstance(event, HandingOver):
            meanwhile(event)
        last = event
    assert isinstance(last, HandingOver)
    return last


def wait_for(event: HandingOver) -> None:
    """Until the process that went on has ended."""
    while True:
        pid, _ = os.waitpid(event.pid, 0)
        if pid:
            return


def life(run: RunDirectory) -> list[type[Event]]:
    return [type(event) for event in read_journal(run.journal) if isinstance(event, LifeCycle)]


def test_another_process_goes_on_exactly(dataset: str, runs_dir: Path, tmp_path: Path) -> None:
    whole = start(runs_dir, data__dataset=dataset, **SMALL)
    finish(whole)
    ended = tmp_path / "ended"
    on_end = ("sh", "-c", f"echo $PPID >> {ended}")
    execution = start(runs_dir, data__dataset=dataset, run__on_end=on_end, **SMALL)
    seen: list[Any] = []
    event = hand_over(execution, meanwhile=lambda event: seen.append((summarise(execution.run).why, event.pid)))
    assert seen == [(f"process {os.getpid()}", event.pid)], "this process has it still"
    assert (summarise(execution.run).state, event.step) == (State.RUNNING, 3)
    assert os.getsid(event.pid) == event.pid
    wait_for(event)
    run = execution.run
    assert life(run) == [RunStarted, HandingOver, RunResumed, RunFinished]
    resumed = next(event for event in read_journal(run.journal) if isinstance(event, RunResumed))
    assert (resumed.from_step, resumed.exact) == (3, True)
    assert_equal_weights(run, whole.run)
    assert logged_steps(run) == logged_steps(whole.run)
    assert summarise(run).state is State.FINISHED
    assert "resume from step 3, exactly" in run.log.read_text()
    assert ended.read_text().split() == [str(event.pid)], "the program of the end is started at the end, once"


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_request_in_between_is_for_the_process_that_goes_on(moment: str, dataset: str, runs_dir: Path) -> None:
    settings: dict[str, Any] = {**SMALL, "training__epochs": 100_000}
    execution = start(runs_dir, data__dataset=dataset, **settings)
    run = execution.run
    if moment == "after":
        event = hand_over(execution, meanwhile=lambda event: ask(run.path, Request.STOP))
    else:
        events = execution.events()
        for each in events:
            if isinstance(each, StepLogged):
                execution.stop.ask(HAND_OVER)
                ask(run.path, Request.STOP)
                break
        *_, last = events
        assert isinstance(last, HandingOver)
        event = last
    wait_for(event)
    assert life(run) == [RunStarted, HandingOver, RunResumed, RunStopped]
    answers = [event for event in read_journal(run.journal) if isinstance(event, RequestAnswered | HandingOver)]
    assert [type(event) for event in answers] == [HandingOver, RequestAnswered]


def test_a_run_that_is_paused_stays_paused(dataset: str, runs_dir: Path) -> None:
    settings: dict[str, Any] = {**SMALL, "training__epochs": 100_000}
    execution = start(runs_dir, data__dataset=dataset, **settings)
    for event in execution.events():
        if isinstance(event, StepLogged):
            execution.stop.paused = True
        elif isinstance(event, RunPaused):
            execution.stop.ask(HAND_OVER)
    assert isinstance(event, HandingOver)
    run = execution.run
    for _ in states_until(run, event, State.PAUSED):
        pass
    ask(run.path, Request.STOP)
    wait_for(event)
    kinds = life(run)
    assert kinds[kinds.index(HandingOver) :][:3] == [HandingOver, RunResumed, RunPaused]
    assert kinds[-1] is RunStopped


def states_until(run: RunDirectory, event: HandingOver, state: State) -> Iterator[State]:
    """How it stands, again and again, as long as its process lives."""
    process = psutil.Process(event.pid)
    while (found := summarise(run).state) is not state:
        assert process.status() != psutil.STATUS_ZOMBIE, run.log.read_text()
        with pytest.raises(psutil.TimeoutExpired):
            process.wait(0.1)
        yield found


def test_nobody_goes_on_where_the_process_is_killed(dataset: str, runs_dir: Path) -> None:
    execution = start(runs_dir, data__dataset=dataset, **SMALL)

    def kill(event: HandingOver) -> None:
        os.kill(event.pid, signal.SIGKILL)
        wait_for(event)

    event = hand_over(execution, meanwhile=kill)
    summary = summarise(execution.run)
    assert summary.state is State.INTERRUPTED
    assert summary.why == f"process {event.pid} was to take it over and did not; train.log may say why"
    assert read_owner(execution.run.lock) is None


def test_a_process_that_cannot_begin_says_why_in_the_log(dataset: str, runs_dir: Path) -> None:
    execution = start(runs_dir, data__dataset=dataset, **SMALL)
    run = execution.run
    event = hand_over(execution, meanwhile=lambda event: run.config.write_text("[training"))
    wait_for(event)
    assert summarise(run).state is State.INTERRUPTED
    assert "was to take it over and did not" in summarise(run).why
    assert f"xaitui: cannot resume {run.id}" in run.log.read_text()


def test_where_no_process_can_be_started_the_run_fails_saved(
    dataset: str, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", str(runs_dir / "absent"))
    execution = start(runs_dir, data__dataset=dataset, **SMALL)
    for event in execution.events():
        if isinstance(event, StepLogged):
            execution.stop.ask(HAND_OVER)
    assert summarise(execution.run).state is State.FAILED
    assert execution.run.last.exists()


def test_a_run_that_is_done_is_not_handed_over(dataset: str, runs_dir: Path) -> None:
    execution = start(runs_dir, data__dataset=dataset, **SMALL)
    for event in execution.events():
        if isinstance(event, StepLogged) and event.step == 8:
            execution.stop.ask(HAND_OVER)
    assert life(execution.run)[-1] in (RunFinished, HandingOver)
    if isinstance(event, HandingOver):
        wait_for(event)
        assert life(execution.run)[-1] is RunFinished
