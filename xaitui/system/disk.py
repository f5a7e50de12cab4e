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
"""Called with the bytes done and in total, 0 if the total is unknown."""


def no_report(done: int, total: int) -> None:
    """Ignore the progress."""


def ensure_free(folder: Path, needed: int) -> None:
    """Raise DataError if the disk of `folder` has less than `needed` bytes free."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DataError(
            f"the disk of {folder} has {format_size(free)} free and {format_size(needed)} are needed: "
            "free some space, or choose another folder"
        )


def digest(path: Path, algorithm: str, report: Report = no_report) -> str:
    """Hash a whole file, block by block, in hexadecimal."""
    # Publishers use MD5, which a system in FIPS mode refuses unless it is declared not to be used for security.
    hasher = hashlib.new(algorithm, usedforsecurity=False)
    total, done = path.stat().st_size, 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            hasher.update(block)
            done += len(block)
            report(done, total)
    return hasher.hexdigest()


def publish(part: Path, target: Path) -> None:
    """Rename a finished file so that the file under its final name is complete even after a power cut."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(target)
    sync_folder(target.parent)


@contextlib.contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Create `folder` if it is missing; OSError inside the block becomes DataError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"cannot write in {folder}: {reason}; free some space, or choose another folder") from error
