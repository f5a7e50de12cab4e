"""The part of a run that can be trained again: where it begins, and how far the run was trained as if in one go."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from xaitui.errors import DataError
from xaitui.events import Event, MemoryRanOut, Progress, RunExtended, RunResumed
from xaitui.jobs.train.checkpoints import saved_journal
from xaitui.runs.directory import RunDirectory
from xaitui.runs.journal.journal import Entry
from xaitui.training.checkpoint import State, load_checkpoint


class NoStretchError(DataError):
    """No part of a run can be trained again."""


@dataclass(frozen=True)
class Stretch:
    """A part of a run that can be trained again."""

    checkpoint: str
    """Where it begins; empty at the first step."""
    first: int
    """Finished steps where it begins."""
    last: int
    """Finished steps where it ends."""
    state: State = field(default_factory=dict, repr=False)
    until: str = ""
    """Why it is not to go further, where something forbids it."""


def find_stretch(run: RunDirectory, last: State, entries: Sequence[Entry], steps: int) -> Stretch:
    """The first of the possible beginnings from which there is something to train.

    Raises:
        NoStretchError: there is none.
    """
    changed = max((entry.offset for entry in entries if _changes_data(entry.event)), default=-1)
    logged = max((entry.event.step for entry in entries if isinstance(entry.event, Progress)), default=0)
    why = ""
    for checkpoint, state in _beginnings(run, last):
        first, offset = state.get("step", 0), len(saved_journal(state)) if state else 0
        if offset <= changed:
            why = "before its last checkpoint it went on with changed data"
            continue
        limit, why = _limit(entries, first, offset)
        end = min(first + steps, max(logged, last.get("step", 0)), limit)
        if end > first:
            return Stretch(checkpoint, first, end, state, why if end == limit else "")
    raise NoStretchError(f"{run.id} has nothing that could be trained again{f': {why}' if why else ' yet'}")


def _changes_data(event: Event) -> bool:
    """Whether what was trained before can not be trained again, for its data are not there any more."""
    return isinstance(event, RunResumed) and bool(event.changed_data)


def _beginnings(run: RunDirectory, last: State) -> Iterator[tuple[str, State]]:
    if run.previous.exists():
        yield f"checkpoints/{run.previous.name}", load_checkpoint(run.previous)
    if last:
        yield f"checkpoints/{run.last.name}", last
    yield "", {}


def since(entries: Sequence[Entry], first: int, offset: int) -> Iterator[tuple[int, Event]]:
    """What happened after a checkpoint, and after how many steps."""
    at = first
    for entry in entries:
        if entry.offset >= offset:
            at = getattr(entry.event, "from_step", getattr(entry.event, "step", at))
            yield at, entry.event


def _limit(entries: Sequence[Entry], first: int, offset: int) -> tuple[float, str]:
    """The step up to which the run was trained as if in one go, and what happened there."""
    for at, event in since(entries, first, offset):
        match event:
            case RunResumed(exact=False):
                return at, f"at step {at:,} it went on elsewhere ({event.reason})"
            case RunExtended() if at > first:
                return at, f"at step {at:,} it was given more epochs"
            case MemoryRanOut(during="training"):
                return at, f"at step {at:,} memory ran out"
    return math.inf, ""
