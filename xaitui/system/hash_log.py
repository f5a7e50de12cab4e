"""Hash log: in a folder with a hashes.jsonl, size and hash of every file written are recorded.

A note is on the disk before its file has its name: after a crash between the two the file is that of the note before.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from xaitui.system.damaged_files import BAD_RECORD
from xaitui.system.line_file import open_lines, write_line

NAME = "hashes.jsonl"
"""Append-only, one note per line; the last line may be cut off."""

_DEPTH = 5
"""Number of parent folders of a file that are searched for a log."""


@dataclass(frozen=True)
class Written:
    """Size and hash of a file."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Notes:
    """All notes of a folder."""

    written: dict[str, tuple[Written, ...]] = field(default_factory=dict)
    """Contents written, or about to be written, to each path below the folder, the newest last."""
    newest: str = ""
    """Path of the newest note; after a crash its file may not have been renamed."""
    damaged: tuple[int, ...] = ()
    """Numbers, from 1, of complete lines that are not notes."""


def begin_notes(folder: Path) -> None:
    """Start recording the files written in a folder."""
    (folder / NAME).touch()


def written_in(path: Path) -> Written:
    """Return size and hash of a file.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Written(os.fstat(file.fileno()).st_size, digest)


def note(path: Path, content: Path, *, durable: bool = True) -> None:
    """Note that `content` is about to be renamed to `path`, if a folder above has a log.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    folder = _noting(path)
    if folder is not None:
        _append(folder, path, asdict(written_in(content)), durable=durable)


def take_back(path: Path) -> None:
    """Note that the newest note of `path` did not take effect.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    folder = _noting(path)
    if folder is not None:
        _append(folder, path, {"undone": True})


def note_second_name(path: Path, first: Path) -> None:
    """Note that the file `first` is about to get the second name `path`.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    folder = _noting(path)
    if folder is not None:
        _append(folder, path, {"same_as": first.relative_to(folder).as_posix()})


def forget(path: Path) -> None:
    """Note that a file or folder is about to be removed on purpose.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    folder = _noting(path)
    if folder is not None:
        _append(folder, path, {"removed": True})


def _noting(path: Path) -> Path | None:
    """Return the folder with the log that covers a file."""
    return next((folder for folder in path.parents[:_DEPTH] if (folder / NAME).exists()), None)


def _append(folder: Path, path: Path, what: dict[str, Any], *, durable: bool = True) -> None:
    line = json.dumps({"path": path.relative_to(folder).as_posix(), **what}).encode() + b"\n"
    descriptor = open_lines(folder / NAME)
    try:
        write_line(descriptor, line)
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_notes(folder: Path) -> Notes:
    """Read the notes of a folder; empty if it has no log.

    Raises:
        OSError: they cannot be read.
    """
    path = folder / NAME
    written: dict[str, tuple[Written, ...]] = {}
    damaged, newest = [], ""
    for number, line in enumerate(path.read_bytes().split(b"\n") if path.exists() else [], 1):
        try:
            if line:
                newest = _take(written, json.loads(line))
        except BAD_RECORD:
            if line.endswith(b"}"):  # one without its end was torn by a crash
                damaged.append(number)
    return Notes(written, newest, tuple(damaged))


def _take(written: dict[str, tuple[Written, ...]], record: dict[str, Any]) -> str:
    """Apply a note, and return its path."""
    path: str = record.pop("path")
    if "same_as" in record:
        written[path] = (*written.get(path, ()), *written.get(record["same_as"], ()))
    elif "removed" in record:
        for name in [name for name in written if name == path or name.startswith(f"{path}/")]:
            del written[name]
    elif "undone" in record:
        written[path] = written.get(path, ())[:-1]
    else:
        written[path] = (*written.get(path, ()), Written(**record))
    if not written.get(path, ()):
        written.pop(path, None)
    return path
