"""Integrity of a run: its files compared with recorded hashes, its journal with the copy in the last checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from xaitui.event_codec import CodecError, decode
from xaitui.events import Event, RunResumed, RunStarted
from xaitui.runs.directory import RunDirectory
from xaitui.runs.state import State, summarise
from xaitui.system.hash_log import NAME, Notes, Written, read_notes, written_in


@dataclass(frozen=True)
class FilesFound:
    """Result of checking the files that are written whole."""

    intact: int
    """Number of files that are unchanged."""
    not_noted: int
    """Number of files without a recorded hash: all files of older runs."""
    remarks: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    """One line for each damaged file."""


@dataclass(frozen=True)
class JournalFound:
    """Result of checking the journal."""

    lines: int
    torn: int
    """Lines cut off by a crash; their events were never reported."""
    saved: int
    """Bytes that agree with the copy in the last checkpoint."""
    damaged: tuple[str, ...] = ()


def check_files(run: RunDirectory) -> FilesFound:
    """Compare every recorded file with its hash, also while the run is being written.

    Raises:
        OSError: a file exists but cannot be read.
    """
    here = {name: _read(run.path / name) for name in read_notes(run.path).written}
    notes = read_notes(run.path)  # again, because a file replaced in the meantime was recorded before that
    if summarise(run).state in (State.FINISHED, State.STOPPED, State.FAILED):
        notes = replace(notes, newest="")  # after a clean end no recorded write can be missing
    found = {name: _judged(name, each, notes) for name, each in here.items()}
    damaged = [f"{NAME} line {number} is no note" for number in notes.damaged]
    damaged += [line for line, is_damage in found.values() if is_damage]
    remarks = [line for line, is_damage in found.values() if line and not is_damage]
    others = sum(path.relative_to(run.path).as_posix() not in here for path in _whole(run))
    intact = sum(here[name] is not None and not is_damage for name, (_, is_damage) in found.items())
    return FilesFound(intact, others, tuple(remarks), tuple(damaged))


def _judged(name: str, found: Written | None, notes: Notes) -> tuple[str, bool]:
    """A remark about a file, empty if there is none, and whether the file is damaged."""
    written = notes.written.get(name, ())
    if not written or found == written[-1]:  # a file that was just removed on purpose has no record left
        return "", False
    if found is None and len(written) == 1 and name == notes.newest:
        return f"{name} is not there yet: the write that was noted last did not happen", False
    if found is None:
        return f"{name} is missing", True
    if found in written:
        return f"{name} is as it was written before: the last write that was noted did not happen", False
    size = f"{found.bytes:,} bytes"
    what = f"{size}, but others" if found.bytes == written[-1].bytes else f"{size} instead of {written[-1].bytes:,}"
    return f"{name} is not what was written: {what}", True


def changed_settings(run: RunDirectory) -> list[str]:
    """One line for each changed file that determines the rest of a run; none for files without a recorded hash.

    Raises:
        OSError: a file exists but cannot be read.
    """
    notes = read_notes(run.path)
    names = [path.name for path in (run.config, run.model_source) if path.name in notes.written]
    return [
        f"{name} has changed since the run was made"
        for name in names
        if _judged(name, _read(run.path / name), notes)[1]
    ]


def _read(path: Path) -> Written | None:
    try:
        return written_in(path)
    except FileNotFoundError:
        return None


def _whole(run: RunDirectory) -> Iterator[Path]:
    """The existing files of a run that are written whole."""
    for path in (run.config, run.environment, run.data, run.preprocessing, run.model_source):
        if path.exists():
            yield path
    for folder in (run.last.parent, run.predictions):
        if folder.is_dir():
            yield from (path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def check_journal(path: Path, saved: bytes) -> JournalFound:
    """Compare a journal with its beginning that a checkpoint holds, and see whether every line is an event.

    Raises:
        OSError: it cannot be read.
    """
    if not path.exists():
        return JournalFound(0, 0, 0, (f"{path.name} is missing",) if saved else ())
    text = path.read_bytes()
    lines = text.split(b"\n")
    events = [_event(line) for line in lines]
    damaged = list(_changed(lines, saved)) if not text.startswith(saved) else []
    kept = saved.count(b"\n") if not damaged else 0
    torn = 0
    for number, (line, event) in enumerate(zip(lines, events, strict=True), 1):
        if isinstance(event, Event) or not line:
            continue
        if number == len(lines) or number <= kept or isinstance(events[number], RunResumed | RunStarted):
            torn += 1  # by a crash: the next word, if there is one, is of the process that went on
        elif not damaged:
            damaged.append(f"{path.name} line {number} is no event: {event}")
    return JournalFound(
        sum(isinstance(event, Event) for event in events), torn, len(saved) if not damaged else 0, tuple(damaged)
    )


def _event(line: bytes) -> Event | str:
    try:
        return decode(line)
    except CodecError as error:
        return str(error)


def _changed(lines: list[bytes], saved: bytes) -> Iterator[str]:
    """Where a journal is not what a checkpoint holds of it: the first line, and how many."""
    expected = saved.split(b"\n")[:-1]
    wrong = [number for number, line in enumerate(expected, 1) if lines[number - 1 : number] != [line]]
    if len(lines) - 1 < len(expected):
        yield f"events.jsonl ends after {len(lines) - 1} of the {len(expected)} lines that the last checkpoint holds"
    elif wrong:
        kind = _event(expected[wrong[0] - 1])
        word = f" ({type(kind).__name__})" if isinstance(kind, Event) else ""
        more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        yield f"events.jsonl line {wrong[0]}{word} is not what the last checkpoint holds of it{more}"
