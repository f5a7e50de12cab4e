"""Head and tail of a journal: enough to summarise a run, however long its journal is.

The tail is scanned backwards, so that the list of runs reads a few kilobytes of each. Work that a later resume repeated
is recognised on the way, because its RunResumed event comes first in that direction.
"""

from __future__ import annotations

import math
import os
import re
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from xaitui.event_codec import CodecError, decode
from xaitui.events import (
    Event,
    LifeCycle,
    Progress,
    RunResumed,
    RunStarted,
)
from xaitui.runs.journal.journal import lines_of

HEAD_BYTES = 16_384
TAIL_BYTES = (8_192, 49_152, 1_048_576)
"""Sizes of the tail, tried in turn until one contains all the events that are needed."""

_KIND = re.compile(rb'\{"event":"(\w+)"')
_PASSED_OVER = frozenset({b"Evaluated", b"CheckpointSaved", b"Note", b"RequestAnswered"})
_TEST = b'"split":"test"'
"""Mark of a test evaluation, which is not skipped: studies append it after the end of a run."""
_ENOUGH = frozenset({b"StepLogged", b"EpochStarted", b"EpochFinished"})
"""Once the last event of each of these kinds is known, the scan may end. Earlier events cannot change the summary: a
run that has continued since its last life-cycle event was neither ended nor paused by it."""


def read_ends(path: Path) -> list[Event]:
    """The events that summarise a run, in order: its start, the last valid event of each kind of progress, and the
    life-cycle events among them.

    Raises:
        CodecError: there are lines, but none of them is an event.
        OSError: the file cannot be read.
    """
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        for most in TAIL_BYTES:
            begin = max(0, size - most)
            scan = _Scan(_read(file, begin, size - begin), begin)
            if scan.complete or not begin:
                break
        head = scan.block if not begin else _read(file, 0, HEAD_BYTES)
    started = next((event for line in islice(lines_of(head), 8) if isinstance(event := _event(line), RunStarted)), None)
    if started is not None and started not in scan.events:
        scan.events.insert(0, started)
    if scan.damaged and not scan.events:
        raise CodecError("the journal has no line that this version can read")
    return scan.events


def _read(file: BinaryIO, begin: int, count: int) -> bytes:
    file.seek(begin)
    return file.read(count)


class _Scan:
    """Scan of the end of a journal, from its last line backwards until all needed events are found."""

    def __init__(self, block: bytes, begin: int) -> None:
        """Scan a block that begins at offset `begin`, possibly inside a line; an unfinished last line is ignored."""
        self.block = block
        self.events: list[Event] = []
        self.damaged = False
        self._known = set(_PASSED_OVER)
        self._void_from: float = math.inf
        """Offset from which earlier work was repeated after a resume."""
        self._void_after: float = math.inf
        """Step after which it was repeated."""
        first = block.find(b"\n") + 1 if begin else 0
        end = block.rfind(b"\n") + 1
        offset = begin + end
        for line in reversed([*lines_of(block[first:end])]):
            offset -= len(line)
            self._take(line, offset)
            if self.complete:
                break
        self.events.reverse()

    @property
    def complete(self) -> bool:
        """Whether earlier events cannot change the summary."""
        return self._known >= _ENOUGH

    def _take(self, line: bytes, offset: int) -> None:
        match = _KIND.match(line)
        if match and match[1] in self._known and _TEST not in line:
            return
        event = _event(line)
        if isinstance(event, Progress):
            if offset < self._void_from and event.step <= self._void_after:
                self.events.append(event)
                self._known.add(type(event).__name__.encode())
        elif isinstance(event, LifeCycle):
            self.events.append(event)
            if isinstance(event, RunResumed):
                self._void_from = min(self._void_from, event.journal_offset)
                self._void_after = min(self._void_after, event.from_step)
        elif event is None and line.strip():
            self.damaged = True


def _event(line: bytes) -> Event | None:
    try:
        return decode(line)
    except CodecError:
        return None
