"""Files that are never half there."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from xaitui.faults import Point, point


@contextlib.contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[IO[bytes]]:
    """A binary file that takes the place of `path`, all at once, when the block ends without an error.

    Args:
        path: the file to replace or make.
        durable: whether it is to survive a power cut; waiting for the disk takes milliseconds.

    Raises:
        OSError: the disk is full or the folder cannot be written; `path` is as it was.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(descriptor)
    temporary = Path(name)
    try:
        with temporary.open("wb") as file:
            point(Point.FILE_OPENED, path.name)
            yield file
            file.flush()
            point(Point.FILE_WRITTEN, path.name)
            if durable:
                os.fsync(file.fileno())
        temporary.chmod(0o644)
        point(Point.FILE_SYNCED, path.name)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    point(Point.FILE_RENAMED, path.name)
    if durable:
        sync_folder(path.parent)
    point(Point.FILE_DONE, path.name)


def write_atomic(path: Path, content: str | bytes) -> None:
    """Put `content` in the place of `path`, all at once."""
    with replacing(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
