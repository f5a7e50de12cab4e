"""Summary of a run from the head and tail of its journal: state, best epoch, test score."""

from __future__ import annotations

import math
import socket
import time
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from xaitui.event_codec import CodecError
from xaitui.events import (
    EpochFinished,
    EpochStarted,
    Evaluated,
    Event,
    HandingOver,
    LifeCycle,
    RunFailed,
    RunFinished,
    RunPaused,
    RunResumed,
    RunStarted,
    RunStopped,
    Scalars,
    StepLogged,
)
from xaitui.runs.directory import GONE, RunDirectory
from xaitui.runs.journal.tail import read_ends
from xaitui.runs.lock import Owner, is_running, read_owner


class State(StrEnum):
    """State of a run; derived whenever it is read, never stored."""

    RUNNING = "running"
    PAUSED = "paused"
    """Its process is alive and waits to continue."""
    REMOTE = "elsewhere"
    """Its process is on another machine and cannot be checked from here."""
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """Its process has ended without a final event; the run can be resumed."""
    BROKEN = "broken"
    """The directory cannot be read as a run."""

    @property
    def is_live(self) -> bool:
        """Whether a process writes the run, as far as is known here."""
        return self in (State.RUNNING, State.PAUSED, State.REMOTE)


@dataclass(frozen=True)
class RunSummary:
    """One row of the list of runs."""

    run: RunDirectory
    state: State
    why: str = ""
    """Reason for its end or damage."""
    owner: Owner | None = None
    started: RunStarted | None = None
    epoch: int = 0
    epochs: int = 0
    step: int = 0
    best_epoch: int = 0
    best: float = math.nan
    seconds: float = 0.0
    images_per_second: float = 0.0
    test: Scalars = field(default_factory=dict)
    began: float = 0.0
    """Wall-clock time of its start."""
    heard: float = 0.0
    """Wall-clock time of its last event."""
    finished: EpochFinished | None = None
    """The last finished epoch."""
    last: LifeCycle | None = None
    """The last life-cycle event, which together with its process determines the state."""


def summarise(run: RunDirectory) -> RunSummary:
    """Summarise a run; a directory that is not a run gives a broken one."""
    owner = read_owner(run.lock)  # before the journal: a run that ends in between must not look interrupted
    try:
        events = read_ends(run.journal)
    except FileNotFoundError:
        if not run.config.exists():
            there = run.path.exists()
            return RunSummary(run, State.BROKEN, "it has neither a configuration nor a journal" if there else GONE)
        events = []
    except OSError as error:
        return RunSummary(run, State.BROKEN, f"the journal cannot be read: {error.strerror}")
    except CodecError as error:
        return RunSummary(run, State.BROKEN, str(error))
    return judged(_fill(run, events), owner)


def judged(summary: RunSummary, owner: Owner | None) -> RunSummary:
    """The summary with the state updated for the current owner of the lock."""
    state, why = state_of(summary.last, owner)
    return replace(summary, state=state, why=why, owner=owner)


def state_of(last: LifeCycle | None, owner: Owner | None) -> tuple[State, str]:
    """State of a run and the reason for it, from its last life-cycle event and the owner of its lock."""
    match last:
        case RunFinished():
            return State.FINISHED, last.reason
        case RunStopped():
            return State.STOPPED, last.reason
        case RunFailed():
            return State.FAILED, last.message
        case HandingOver() if owner is None or not (owner.is_near and owner.is_alive):
            return _handed_over(last)
    if owner is None:
        return State.INTERRUPTED, "no process writes it"
    if not owner.is_near:
        return State.REMOTE, f"process {owner.pid} on {owner.host}"
    if owner.is_alive:
        return State.PAUSED if isinstance(last, RunPaused) else State.RUNNING, f"process {owner.pid}"
    return State.INTERRUPTED, f"process {owner.pid} is gone"


def _handed_over(event: HandingOver) -> tuple[State, str]:
    here = event.host == socket.gethostname()
    if time.time() > event.deadline or (here and not is_running(event.pid)):
        return State.INTERRUPTED, f"process {event.pid} was to take it over and did not; train.log may say why"
    return State.RUNNING, f"process {event.pid} is taking it over"


def _fill(run: RunDirectory, events: list[Event]) -> RunSummary:
    values: dict[str, Any] = {"heard": max((event.time for event in events), default=0.0)}
    for event in events:
        if isinstance(event, LifeCycle):
            values.update(last=event)
        match event:
            case RunStarted():
                values.update(started=event, epochs=event.epochs, began=event.time)
            case RunResumed() | EpochStarted():
                values.update(epochs=event.epochs)
            case StepLogged():
                values.update(step=event.step, epoch=event.epoch, images_per_second=event.images_per_second)
            case EpochFinished():
                values.update(
                    step=event.step, epoch=event.epoch, best_epoch=event.best_epoch, best=event.best, finished=event
                )
            case RunFinished() | RunStopped():
                values.update(test=event.test, seconds=event.seconds)
            case Evaluated(split="test"):  # studies test a run only after its end, once it is chosen
                values.update(test=event.scores)
    return RunSummary(run, State.INTERRUPTED, **values)
