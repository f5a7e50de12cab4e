"""The two ends of a journal: enough of it to say how a run stands, however long it is."""

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
"""How much of the end is read: more only where less of it has not the last finished epoch."""

_KIND = re.compile(rb'\{"event":"(\w+)"')
_PASSED_OVER = frozenset({b"Evaluated", b"CheckpointSaved", b"Note", b"RequestAnswered"})
_TEST = b'"split":"test"'
"""In an evaluation that is not passed over: what a study's runs are tested for stands after their end."""
_ENOUGH = frozenset({b"StepLogged", b"EpochStarted", b"EpochFinished"})
"""Once the last one of each of these is known, what stands before them changes nothing: where a run has gone on since
its last life-cycle event, that event neither ended nor paused it."""


def read_ends(path: Path) -> list[Event]:
    """The events that tell how a run stands, in their order: its start, the last of each kind of progress that still
    holds, and the life-cycle events among those.

    Raises:
        CodecError: there are lines, and none of them is an event.
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
    """What the end of a journal tells, read from its last line backwards, until that is enough."""

    def __init__(self, block: bytes, begin: int) -> None:
        """Scan a block that begins `begin` bytes into the file, anywhere in a line; a line without end waits."""
        self.block = block
        self.events: list[Event] = []
        self.damaged = False
        self._known = set(_PASSED_OVER)
        self._void_from: float = math.inf
        """Offset from which on the work of before was done again."""
        self._void_after: float = math.inf
        """Step after which it was."""
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
        """Whether what stands before can change nothing."""
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
