"""Helpers for large files: free disk space, hashes, and publishing a finished file under its name."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from xaitui.config.units import format_size
from xaitui.errors import DataError
from xaitui.system.atomic_files import sync_folder

BLOCK = 1 << 20
"""Bytes that are read or written at a time."""

Report = Callable[[int, int], None]
"""Called with the bytes that are done and the bytes there are in all, 0 where that is not known."""


def no_report(done: int, total: int) -> None:
    """Tell nobody."""


def ensure_free(folder: Path, needed: int) -> None:
    """Raise DataError where the disk of `folder` has less than `needed` bytes left."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DataError(
            f"the disk of {folder} has {format_size(free)} free and {format_size(needed)} are needed: "
            "free some space, or choose another folder"
        )


def digest(path: Path, algorithm: str, report: Report = no_report) -> str:
    """Hash a whole file, block by block, in hexadecimal."""
    # MD5 is what publishers chose; a system under FIPS rules refuses it unless no secret depends on it.
    hasher = hashlib.new(algorithm, usedforsecurity=False)
    total, done = path.stat().st_size, 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            hasher.update(block)
            done += len(block)
            report(done, total)
    return hasher.hexdigest()


def publish(part: Path, target: Path) -> None:
    """Give a finished file its name, so that the file under that name is whole even after a power cut."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(target)
    sync_folder(target.parent)


@contextlib.contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Make `folder` where it is not there; what the operating system refuses inside the block becomes DataError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"cannot write in {folder}: {reason}; free some space, or choose another folder") from error
