"""Append-only files of lines, whose last line a crash may have cut off."""

from __future__ import annotations

import os
from pathlib import Path


def open_lines(path: Path, *, create: bool = False) -> int:
    """Return a descriptor that appends to a file of lines; a last line that a crash cut off is ended first.

    Raises:
        OSError: the file cannot be opened or written.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | (os.O_CREAT if create else 0), 0o666)
    try:
        end = os.fstat(descriptor).st_size
        if end and os.pread(descriptor, 1, end - 1) != b"\n":
            write_line(descriptor, b"\n")
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def write_line(descriptor: int, line: bytes) -> None:
    """Write a whole line, in one write unless the disk is full.

    Raises:
        OSError: the disk is full or gone.
    """
    while line:
        line = line[os.write(descriptor, line) :]
