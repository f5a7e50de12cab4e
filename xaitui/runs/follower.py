"""Follower of one run, live or ended: reads new journal lines for a screen.

Of a long journal the head and the tail are read first, so that a screen shows the current state at once. The middle is
read block by block afterwards; until then the curves have a gap there.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from xaitui.events import (
    EpochFinished,
    EpochStarted,
    Event,
    LifeCycle,
    RequestAnswered,
    RunResumed,
    RunStarted,
    StepLogged,
)
from xaitui.runs.directory import GONE, RunDirectory
from xaitui.runs.journal.describe import describe
from xaitui.runs.journal.journal import Entry, JournalReader
from xaitui.runs.journal.series import Curve, RunSeries, XAxis
from xaitui.runs.journal.tail import HEAD_BYTES
from xaitui.runs.lock import SILENT_SECONDS, Pulse, read_owner
from xaitui.runs.state import State, state_of

AT_ONCE = 1 << 20
"""Bytes of the longest journal that is read from its start; a longer one is read at its head and tail first."""
BLOCK = 64 << 10
"""Bytes that are read between two looks at the clock."""
LOG_LINES = 1000


class RunFollower:
    """State, log and curves of a run, updated by `poll`; it never writes."""

    def __init__(self, run: RunDirectory, clock: Callable[[], float] = time.monotonic) -> None:
        self.run = run
        self.series = RunSeries()
        """The curves as far as the journal has been read from its start."""
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        """Readable lines, the newest last."""
        self.logged = 0
        """Number of lines so far, including those that the log has dropped."""
        self.state, self.why = State.INTERRUPTED, ""
        self.last_step: StepLogged | None = None
        self.end: LifeCycle | None = None
        """The last life-cycle event."""
        self.answered: RequestAnswered | None = None
        self.epochs = 0
        self.problem = ""
        """Why the journal cannot be read; empty if it can."""
        self._clock = clock
        self._pulse = Pulse(run.heartbeat, clock)
        self._reader: JournalReader | None = None
        self._middle: JournalReader | None = None
        self._middle_end = 0
        """Offset of the tail: lines that begin there or later were read with it."""
        self._middle_damage = 0
        self._file = (-1, -1)
        """Device and inode of the journal, which change when it is replaced."""
        self._tail: list[Entry] = []
        self._tail_series: RunSeries | None = None
        """Curves of the tail while the middle is unread; None afterwards, when `series` holds everything."""

    @property
    def files(self) -> tuple[Path, ...]:
        """Files that a poll reads."""
        return self.run.lock, self.run.journal, self.run.heartbeat

    @property
    def is_gone(self) -> bool:
        """Whether the run's folder has been deleted or moved."""
        return self.problem == GONE

    @property
    def is_loading(self) -> bool:
        """Whether the middle of a long journal is still being read."""
        return self._middle is not None

    @property
    def damage(self) -> int:
        """Lines of the journal that could not be read so far."""
        return self._middle_damage + (len(self._reader.damage) if self._reader is not None else 0)

    @property
    def started(self) -> RunStarted | None:
        """The event with which the run started."""
        return self.series.started

    @property
    def finished_epochs(self) -> Sequence[EpochFinished]:
        """The last finished epochs, in order."""
        newest = self._tail_series.finished_epochs if self._tail_series is not None else ()
        return newest or self.series.finished_epochs

    @property
    def last_epoch(self) -> EpochFinished | None:
        """The last finished epoch, apart from those undone by a resume."""
        return self.finished_epochs[-1] if self.finished_epochs else None

    def curve(self, name: str, x: XAxis) -> Curve:
        """A curve of the run, as returned by `RunSeries.curve`; of a long journal without the unread middle."""
        if self._tail_series is None:
            return self.series.curve(name, x)
        return self.series.followed_by(self._tail_series, name, x)

    def position_of_epoch(self, epoch: int, x: XAxis) -> float | None:
        """Position of the end of an epoch on an axis; None if it is not known yet."""
        place = self.series.position_of_epoch(epoch, x)
        if place is None and self._tail_series is not None:
            place = self._tail_series.position_of_epoch(epoch, x)
        return place

    def poll(self, seconds: float = 0.05) -> bool:
        """Read new lines for at most about so many seconds; return whether anything has changed."""
        before = self._seen()
        # The lock is read before the journal. In the other order a run that ends in between would show no owner and no
        # final event, and look interrupted.
        owner = read_owner(self.run.lock)
        try:
            self._read(self._clock() + seconds)
            self.problem = ""
        except FileNotFoundError:
            self.problem = "there is no journal yet" if self.run.path.exists() else GONE
        except OSError as error:
            self.problem = f"the journal cannot be read: {error.strerror}"
        self.state, self.why = state_of(self.end, owner)
        if self.state is State.REMOTE and (silent := self._pulse.silent_for()) > SILENT_SECONDS:
            self.why += f", silent for {silent:.0f} s"
        return before != self._seen()

    def _seen(self) -> tuple[object, ...]:
        """Everything that a screen shows, for comparison."""
        read = (self.series.version, len(self._tail), self.damage, self.is_loading)
        return (*read, self.state, self.why, self.problem)

    def _read(self, deadline: float) -> None:
        reader = self._open_reader()
        while True:
            before = reader.offset
            entries = reader.poll(BLOCK)
            self._learn(entries)
            if self._tail_series is None:
                self.series.extend(entries)
            else:
                self._tail.extend(entries)
                self._tail_series.extend(entries)
            if reader.offset == before or self._clock() > deadline:
                break
        while self._middle is not None:
            self._backfill(self._middle)
            if self._clock() > deadline:
                break

    def _open_reader(self) -> JournalReader:
        """The reader of new lines; a journal that was replaced or cut is read from its start again.

        Raises:
            OSError: it cannot be read.
        """
        status = self.run.journal.stat()
        file = (status.st_dev, status.st_ino)
        if self._reader is None or file != self._file or status.st_size < self._reader.offset:
            self._reader, self._file = self._open(status.st_size), file
        return self._reader

    def _open(self, size: int) -> JournalReader:
        """Return a reader of the whole of a short journal, or, after reading the head, of the tail of a long one."""
        self.series, self._tail, self._tail_series = RunSeries(), [], None
        self._middle, self._middle_damage, self.last_step, self.end = None, 0, None, None
        reader = JournalReader(self.run.journal)
        if size <= AT_ONCE:
            return reader
        head = reader.poll(HEAD_BYTES)
        self._learn(head)
        self.series.extend(head)
        self._middle, self._middle_end = reader, size - AT_ONCE // 2
        self._tail_series = self.series.later_part()
        # The tail's offset may be inside a line. Reading starts one byte earlier and skips to the next line, so that a
        # line that begins exactly at the offset is kept.
        return JournalReader(self.run.journal, self._middle_end - 1, skip_torn=True)

    def _backfill(self, middle: JournalReader) -> None:
        """Read a block of the middle; when it is complete, append the tail to the curves.

        The last block may reach into the tail: its lines from there on are dropped, and the tail, which was kept as
        entries, is replayed instead. So each line counts once, and a resume in the tail undoes work of the middle.
        """
        before = middle.offset
        entries = middle.poll(BLOCK)
        self.series.extend(entry for entry in entries if entry.offset < self._middle_end)
        self._middle_damage = sum(item.offset < self._middle_end for item in middle.damage)
        if middle.offset >= self._middle_end or middle.offset == before:
            self.series.extend(self._tail)
            self._tail, self._tail_series, self._middle = [], None, None

    def _learn(self, entries: list[Entry]) -> None:
        for entry in entries:
            self._know(entry.event)
            lines = describe(entry.event, self.epochs)
            self.log.extend(lines)
            self.logged += len(lines)

    def _know(self, event: Event) -> None:
        match event:
            case RunStarted() | EpochStarted():
                self.epochs = event.epochs
            case RunResumed():
                self.epochs = event.epochs
                self.last_step = None
            case StepLogged():
                self.last_step = event
            case RequestAnswered():
                self.answered = event
        if isinstance(event, LifeCycle):
            self.end = event
