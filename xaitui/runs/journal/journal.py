"""The journal of a run: an append-only file of events, one per line, and the fold that drops undone work."""

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
"""Bytes; a longer line is not an event, and is skipped without being kept in memory."""
TOO_LONG = "it is longer than an event can be"


@dataclass(frozen=True)
class Entry:
    """An event and the offset of its line."""

    offset: int
    event: Event


@dataclass(frozen=True)
class Damage:
    """A line that is not an event: torn by a crash, or written by another version."""

    offset: int
    reason: str


class JournalWriter:
    """Appends events, each in one write, so that a reader sees whole lines and at most one torn last line."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        """Open or create the journal.

        A line that an earlier writer left without its newline is terminated: otherwise the first new event would be
        appended to it, and both would be lost. The torn line itself stays, as damage that readers skip.

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
        """Write an event with the current time, and return it with that time.

        Life-cycle and checkpoint events are synced to the disk. Others are not, because a run that loses them in a
        power cut resumes from a checkpoint and writes them again.

        Raises:
            OSError: the disk is full or gone, or the file was deleted; a partly written line is removed.
        """
        event = dataclasses.replace(event, time=self._clock())
        status = os.fstat(self._fd)
        # Writing to a deleted file succeeds, and the events would vanish with the file descriptor.
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
        """Sync all appended events to the disk."""
        os.fsync(self._fd)

    def close(self) -> None:
        """Close the file; a failure loses nothing, because important events were synced before."""
        with contextlib.suppress(OSError):
            os.close(self._fd)


class JournalReader:
    """Reads a journal from a byte offset on, also while another process writes it."""

    def __init__(self, path: Path, offset: int = 0, *, skip_torn: bool = False) -> None:
        """Read from `offset` on; with `skip_torn` the offset may be inside a line, and reading begins with the next."""
        self._path = path
        self._skip_torn = skip_torn
        self.offset = offset
        """Offset of the next unread line."""
        self.damage: list[Damage] = []
        """Lines that could not be decoded so far."""

    def poll(self, most: int = -1) -> list[Entry]:
        """Events completed since the last call; a line without its newline waits for the next call.

        Args:
            most: bytes to read at most, except that a line longer than that is read whole; -1 reads to the end.

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
        if len(block) - end > LONGEST_LINE:  # the last line has no end yet, but is already too long
            self._note(TOO_LONG)
            self.offset, self._skip_torn = self.offset + len(block) - end, True
        return entries

    def _read(self, line: bytes) -> Entry | None:
        """The event of the next line; None if it is not an event."""
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
    """Lines of a block with their newlines; unlike bytes.splitlines, other line breaks do not end a line."""
    begin = 0
    while end := block.find(b"\n", begin) + 1:
        yield block[begin:end]
        begin = end


def fold(entries: Iterable[Entry]) -> list[Entry]:
    """The journal as if the run had never been interrupted.

    A resumed run repeats the work after its checkpoint. The first version of that work is dropped, so that each step
    appears once. Life-cycle events and notes are kept, because they are history rather than work.
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
    # The step alone would miss repeated events of the checkpoint's own step, such as an evaluation that followed the
    # checkpoint without a further step.
    return entry.offset >= resumed.journal_offset or entry.event.step > resumed.from_step


def read_entries(path: Path) -> list[Entry]:
    """Entries of the folded journal; empty if there is none yet."""
    return fold(JournalReader(path).poll()) if path.exists() else []


def read_journal(path: Path) -> list[Event]:
    """Events of the folded journal; empty if there is none yet."""
    return [entry.event for entry in read_entries(path)]
