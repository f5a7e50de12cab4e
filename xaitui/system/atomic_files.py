"""Atomic writing of files."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from xaitui.system.fault_points import Point, point
from xaitui.system.hash_log import note, take_back

_TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}")
"""Pattern of the names made by `_beside`."""


@contextlib.contextmanager
def replacing(path: Path, *, durable: bool = True, grows: bool = False) -> Iterator[IO[bytes]]:
    """A binary file that takes the place of `path`, all at once, when the block ends without an error.

    Args:
        path: the file to replace or make.
        durable: whether it is to survive a power cut; waiting for the disk takes milliseconds.
        grows: whether it is also written in other ways, so that a hash noted for it would not stay true.

    Raises:
        OSError: the disk is full or the folder cannot be written; it names `path`, which is as it was.
    """
    temporary, is_noted = _beside(path), False
    try:
        with temporary.open("wb") as file:
            point(Point.FILE_OPENED, path.name)
            yield file
            file.flush()
            point(Point.FILE_WRITTEN, path.name)
            if durable:
                os.fsync(file.fileno())
        if not grows:
            note(path, temporary, durable=durable)
            is_noted = True
        point(Point.FILE_SYNCED, path.name)
        temporary.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if is_noted:
            with contextlib.suppress(OSError):
                take_back(path)
        if isinstance(error, OSError) and error.errno is not None and error.filename in (None, str(temporary)):
            error.filename = str(path)  # users do not know the temporary name
            if error.filename2 is not None:
                del error.filename2
        raise
    point(Point.FILE_RENAMED, path.name)
    if durable:
        sync_folder(path.parent)
    point(Point.FILE_DONE, path.name)


def _beside(path: Path) -> Path:
    """Create a file in the same folder, with the mode of the umask: tempfile's are readable by the owner only."""
    while True:
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            temporary.open("xb").close()
        except FileExistsError:
            continue
        except OSError as error:
            error.filename = str(path)
            raise
        return temporary


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files of `replacing` in killed processes; only for the sole writer of `folder`."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if _TEMPORARY.fullmatch(path.name):
                path.unlink(missing_ok=True)


def write_atomic(path: Path, content: str | bytes, *, grows: bool = False) -> None:
    """Put `content` in the place of `path`, all at once; `grows` as in `replacing`."""
    with replacing(path, grows=grows) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


NO_ROOM = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up"}
"""Errors of a full or failing disk, and their descriptions."""


def trouble_of(error: OSError, path: Path, then: str = "") -> str:
    """Describe an error of a file or its disk in one line for the user.

    Args:
        path: what was being read or written, where the error names nothing.
        then: a command that goes on once it is mended.
    """
    where = error.filename or path
    if error.errno in NO_ROOM:
        return f"{where}: {NO_ROOM[error.errno]}; free some space" + (f", then: {then}" if then else "")
    return f"{where}: {error.strerror or error}" + (f"; once that is mended: {then}" if then else "")
