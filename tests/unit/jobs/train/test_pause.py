"""A pause of a run in this process: it changes nothing but the time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.run_commands import assert_equal_weights, finish, logged_steps, made_set, start, take_up
from xaitui.errors import ExitCode
from xaitui.events import (
    CheckpointSaved,
    EpochFinished,
    Event,
    LifeCycle,
    RequestAnswered,
    RunContinued,
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
from xaitui.runs.requests import Request, ask
from xaitui.runs.state import State, summarise
from xaitui.stop import Stop, StopReason
from xaitui.training.trainer import Trainer

SMALL: dict[str, Any] = {"training__batch_size": 8, "training__epochs": 2, "training__threads": 1}
STOP = StopReason("a test", ExitCode.FINISHED)


@pytest.fixture
def dataset(tmp_path: Path) -> str:
    return str(made_set(tmp_path / "set.npz"))


class Pause(Stop):
    """A stop whose pauses end at once, after something was done in them."""

    def __init__(self, during: Callable[[], None]) -> None:
        super().__init__()
        self.during = during

    def wait_while_paused(self) -> None:
        self.during()
        self.paused = self.paused and self.now is None and self.after_epoch is not None
        super().wait_while_paused()


def paused_at(execution: Execution, step: int) -> list[Event]:
    """Carry it out, and ask for a pause at a step."""
    events = []
    for event in execution.events():
        events.append(event)
        if isinstance(event, StepLogged) and event.step == step:
            execution.stop.paused = True
    return events


def life(run: RunDirectory) -> list[type[Event]]:
    return [type(event) for event in read_journal(run.journal) if isinstance(event, LifeCycle)]


def test_a_pause_changes_nothing(dataset: str, runs_dir: Path) -> None:
    whole = start(runs_dir, data__dataset=dataset, **SMALL)
    finish(whole)
    seen: list[Any] = []
    stop = Pause(lambda: seen.append((summarise(execution.run).state, execution.run.last.exists())))
    execution = start(runs_dir, stop, data__dataset=dataset, **SMALL)
    events = paused_at(execution, 3)
    assert life(execution.run) == [RunStarted, RunPaused, RunContinued, RunFinished]
    assert seen == [(State.PAUSED, True)]
    at = next(index for index, event in enumerate(events) if isinstance(event, RunPaused))
    assert isinstance(events[at - 1], CheckpointSaved)
    assert [event.step for event in events[at - 1 : at + 2] if isinstance(event, RunPaused | RunContinued)] == [3, 3]
    assert_equal_weights(execution.run, whole.run)
    assert logged_steps(execution.run) == logged_steps(whole.run)


def test_a_pause_is_no_time_of_work(dataset: str, runs_dir: Path) -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 0.001
        return now[0]

    def during() -> None:
        now[0] += 5000.0

    stop = Pause(during)
    execution = start(runs_dir, stop, data__dataset=dataset, **SMALL)
    prepared = execution.prepared
    execution.prepared = replace(prepared, trainer=Trainer(prepared.trainer.parts, clock))
    events = paused_at(execution, 3)
    assert now[0] > 5000.0
    assert isinstance(events[-1], RunFinished)
    assert events[-1].seconds < 10.0
    assert all(event.seconds < 10.0 for event in events if isinstance(event, EpochFinished))
    assert all(event.images_per_second > 100.0 for event in events if isinstance(event, StepLogged))


def test_a_stop_ends_a_pause_and_the_run_goes_on_exactly(dataset: str, runs_dir: Path) -> None:
    whole = start(runs_dir, data__dataset=dataset, **SMALL)
    finish(whole)
    stop = Pause(lambda: stop.ask(STOP))
    execution = start(runs_dir, stop, data__dataset=dataset, **SMALL)
    last = paused_at(execution, 3)[-1]
    assert isinstance(last, RunStopped)
    assert last.step == 3
    assert life(execution.run) == [RunStarted, RunPaused, RunContinued, RunStopped]
    assert isinstance(finish(take_up(execution.run))[0], RunResumed)
    assert_equal_weights(execution.run, whole.run)


def test_a_stop_after_the_epoch_ends_a_pause_once_and_for_all(dataset: str, runs_dir: Path) -> None:
    stop = Pause(lambda: stop.ask(replace(STOP, after_epoch=True)))
    execution = start(runs_dir, stop, data__dataset=dataset, **SMALL)
    events = paused_at(execution, 1)
    assert life(execution.run) == [RunStarted, RunPaused, RunContinued, RunStopped]
    assert isinstance(events[-1], RunStopped)
    assert events[-1].step == 4


def test_a_pause_that_comes_with_a_stop_is_none(dataset: str, runs_dir: Path) -> None:
    stop = Stop()
    execution = start(runs_dir, stop, data__dataset=dataset, **SMALL)
    for event in execution.events():
        if isinstance(event, StepLogged):
            stop.paused = True
            stop.ask(STOP)
    assert life(execution.run) == [RunStarted, RunStopped]


def test_requests_pause_a_run_and_let_it_go_on(dataset: str, runs_dir: Path) -> None:
    """Through the run directory, as another process does it; the run waits in earnest."""
    settings: dict[str, Any] = {**SMALL, "training__epochs": 100_000}
    execution = start(runs_dir, data__dataset=dataset, **settings)
    run, seen = execution.run, []
    for event in execution.events():
        match event:
            case RunStarted():
                ask(run.path, Request.PAUSE)
            case RunPaused():
                seen.append(summarise(run).state)
                ask(run.path, Request.CONTINUE)
            case RunContinued():
                seen.append(summarise(run).state)
                ask(run.path, Request.STOP)
    assert seen == [State.PAUSED, State.RUNNING]
    assert life(run) == [RunStarted, RunPaused, RunContinued, RunStopped]
    answered = [event.request for event in read_journal(run.journal) if isinstance(event, RequestAnswered)]
    assert answered == ["pause", "continue", "stop"]
