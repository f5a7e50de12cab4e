"""What a run is, read from the head and the tail of its journal: its state, its best epoch, its test score."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from xaitui.events import (
    EpochFinished,
    EpochStarted,
    Event,
    LifeCycle,
    RunFailed,
    RunFinished,
    RunResumed,
    RunStarted,
    RunStopped,
    Scalars,
    StepLogged,
)  # fmt: skip
from xaitui.runs.directory import RunDirectory
from xaitui.runs.journal import Entry, JournalReader, fold
from xaitui.runs.owner import Owner, read_owner

HEAD_BYTES = 16_384
TAIL_BYTES = 131_072
"""More than the lines of one epoch, so that the last finished one is in it."""


class State(StrEnum):
    """How a run stands; derived at each look, never stored."""

    RUNNING = "running"
    REMOTE = "elsewhere"
    """Written on another machine, whose process cannot be asked from here."""
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """Its process is gone without a word; it can be resumed."""
    BROKEN = "broken"
    """The directory cannot be read as a run."""


@dataclass(frozen=True)
class RunSummary:
    """One row of the list of runs."""

    run: RunDirectory
    state: State
    why: str = ""
    """What ended or broke it."""
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
    """Wall clock."""


def summarise(run: RunDirectory) -> RunSummary:
    """Read what a run is; a directory that is none is a row that says so."""
    try:
        entries = _head_and_tail(run.journal)
    except FileNotFoundError:
        if not run.config.exists():
            return RunSummary(run, State.BROKEN, "it has neither a configuration nor a journal")
        entries = []
    except OSError as error:
        return RunSummary(run, State.BROKEN, f"the journal cannot be read: {error.strerror}")
    events = [entry.event for entry in entries]
    owner = read_owner(run.lock)
    state, why = _state(events, owner)
    return _fill(RunSummary(run, state, why, owner), events)


def _head_and_tail(path: Path) -> list[Entry]:
    reader = JournalReader(path)
    size = path.stat().st_size
    if size <= HEAD_BYTES + TAIL_BYTES:
        return fold(reader.poll())
    head = reader.poll(HEAD_BYTES)
    tail = JournalReader(path, size - TAIL_BYTES, skip_torn=True)
    return fold([*head, *tail.poll()])


def _state(events: list[Event], owner: Owner | None) -> tuple[State, str]:
    last = next((event for event in reversed(events) if isinstance(event, LifeCycle)), None)
    match last:
        case RunFinished():
            return State.FINISHED, last.reason
        case RunStopped():
            return State.STOPPED, last.reason
        case RunFailed():
            return State.FAILED, last.message
    if owner is None:
        return State.INTERRUPTED, "no process writes it"
    if not owner.is_near:
        return State.REMOTE, f"process {owner.pid} on {owner.host}"
    if owner.is_alive:
        return State.RUNNING, f"process {owner.pid}"
    return State.INTERRUPTED, f"process {owner.pid} is gone"


def _fill(summary: RunSummary, events: list[Event]) -> RunSummary:
    values = dict(vars(summary))
    for event in events:
        match event:
            case RunStarted():
                values.update(started=event, epochs=event.epochs, began=event.time)
            case RunResumed() | EpochStarted():
                values.update(epochs=event.epochs)
            case StepLogged():
                values.update(step=event.step, epoch=event.epoch, images_per_second=event.images_per_second)
            case EpochFinished():
                values.update(step=event.step, epoch=event.epoch, best_epoch=event.best_epoch, best=event.best)
            case RunFinished() | RunStopped():
                values.update(test=event.test, seconds=event.seconds)
    return RunSummary(**values)
