"""The journal of a run: an append-only file of events, one a line, and the one fold that every reader uses."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from xaitui.event_codec import CodecError, decode, encode
from xaitui.events import CheckpointSaved, Event, LifeCycle, Progress, RunResumed
from xaitui.system.fault_points import Point, point
from xaitui.system.line_file import open_lines, write_line

LONGEST_LINE = 1 << 20
"""Bytes; what is longer is no event, and is not kept in memory."""
TOO_LONG = "it is longer than an event can be"


@dataclass(frozen=True)
class Entry:
    """An event and where its line begins."""

    offset: int
    event: Event


@dataclass(frozen=True)
class Damage:
    """A line that is no event: torn by a crash, or of another version."""

    offset: int
    reason: str


class JournalWriter:
    """Appends events, each in one write to the file, so that a reader sees whole lines or a torn last one."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        """Open or create the journal; a torn last line of an earlier writer is ended first.

        Raises:
            OSError: the file cannot be written.
        """
        self._clock = clock
        self._path = path
        self._fd = open_lines(path, create=True)

    @property
    def offset(self) -> int:
        """Length of the journal in bytes."""
        return os.fstat(self._fd).st_size

    def append(self, event: Event) -> Event:
        """Write an event with the time of now, and return it so. Life-cycle and checkpoint events reach the disk.

        Raises:
            OSError: the disk is full or gone, or the file was deleted; what was written of the line is taken back.
        """
        event = dataclasses.replace(event, time=self._clock())
        status = os.fstat(self._fd)
        if status.st_nlink == 0:
            raise FileNotFoundError(errno.ENOENT, "it was deleted while the run went on", str(self._path))
        try:
            point(Point.LINE_BEGUN, type(event).__name__)
            write_line(self._fd, encode(event))
            point(Point.LINE_WRITTEN, type(event).__name__)
            if isinstance(event, LifeCycle | CheckpointSaved):
                os.fsync(self._fd)
                point(Point.LINE_SYNCED, type(event).__name__)
        except OSError as error:
            error.filename = error.filename or str(self._path)
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, status.st_size)
            raise
        return event

    def sync(self) -> None:
        """Make what was appended survive a power cut."""
        os.fsync(self._fd)

    def close(self) -> None:
        """Close the file; what had to reach the disk has done so, and nothing is lost where this fails."""
        with contextlib.suppress(OSError):
            os.close(self._fd)


class JournalReader:
    """Follows a journal by byte offset; works while another process writes."""

    def __init__(self, path: Path, offset: int = 0, *, skip_torn: bool = False) -> None:
        """Read from `offset` on; with `skip_torn` it lies anywhere in a line, and reading begins with the next one."""
        self._path = path
        self._skip_torn = skip_torn
        self.offset = offset
        """Where the next unread line begins."""
        self.damage: list[Damage] = []
        """The lines that could not be read so far."""

    def poll(self, most: int = -1) -> list[Entry]:
        """The events that were completed since the last call; a line without its end waits for the next one.

        Args:
            most: bytes to read at the most, a longer line apart; -1 reads to the end.

        Raises:
            OSError: the file cannot be read.
        """
        with self._path.open("rb") as file:
            file.seek(self.offset)
            block = file.read(most)
            if b"\n" not in block:
                block += file.readline(LONGEST_LINE)
        if self._skip_torn:
            begin = block.find(b"\n") + 1
            self._skip_torn = begin == 0
            self.offset += begin or len(block)
            block = block[begin:] if begin else b""
        end = block.rfind(b"\n") + 1
        entries = [entry for line in lines_of(block[:end]) if (entry := self._read(line)) is not None]
        if len(block) - end > LONGEST_LINE:  # it has not even come to its end
            self._note(TOO_LONG)
            self.offset, self._skip_torn = self.offset + len(block) - end, True
        return entries

    def _read(self, line: bytes) -> Entry | None:
        """The event of the next line, if it is one."""
        entry = None
        if len(line) > LONGEST_LINE:
            self._note(TOO_LONG)
        elif line.strip():
            try:
                entry = Entry(self.offset, decode(line))
            except CodecError as error:
                self._note(str(error))
        self.offset += len(line)
        return entry

    def _note(self, reason: str) -> None:
        self.damage.append(Damage(self.offset, reason))


def lines_of(block: bytes) -> Iterator[bytes]:
    """The lines of a block, their ends included; only a newline ends one, for other bytes may be in a damaged one."""
    begin = 0
    while end := block.find(b"\n", begin) + 1:
        yield block[begin:end]
        begin = end


def fold(entries: Iterable[Entry]) -> list[Entry]:
    """The journal as if the run had never been interrupted.

    Where a run went back to a checkpoint, the work that stands behind that checkpoint was done again: it is dropped,
    so that each step is there once. Life-cycle events and notes stay, for they did happen.
    """
    kept: list[Entry] = []
    for entry in entries:
        if isinstance(entry.event, RunResumed):
            kept = [item for item in kept if not _void(item, entry.event)]
        kept.append(entry)
    return kept


def _void(entry: Entry, resumed: RunResumed) -> bool:
    if not isinstance(entry.event, Progress):
        return False
    return entry.offset >= resumed.journal_offset or entry.event.step > resumed.from_step


def read_entries(path: Path) -> list[Entry]:
    """The folded journal, read at once; empty where there is none yet."""
    return fold(JournalReader(path).poll()) if path.exists() else []


def read_journal(path: Path) -> list[Event]:
    """The events of the folded journal, read at once; none where there is no journal yet."""
    return [entry.event for entry in read_entries(path)]
