"""Locks on files, held by one process or shared by several; the system releases them when a process ends."""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path

RETRY_SECONDS = 0.05
"""Between two attempts at a lock that may be released soon."""


def lock_descriptor(descriptor: int, *, shared: bool = False, patience: float = math.inf) -> None:
    """Lock an open file until it is closed.

    Args:
        shared: allow other shared locks.
        patience: seconds to wait for the lock.

    Raises:
        BlockingIOError: another process still holds it after that time.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    if patience == math.inf:
        fcntl.flock(descriptor, kind)
        return None
    deadline = time.monotonic() + patience
    while True:
        try:
            return fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise
        time.sleep(RETRY_SECONDS)


@contextlib.contextmanager
def locked(path: Path, *, create: bool = False, shared: bool = False, patience: float = math.inf) -> Iterator[None]:
    """Hold a lock on a file for the length of the block; `lock_descriptor` explains the arguments.

    Raises:
        BlockingIOError: another process still holds it after `patience` seconds.
        OSError: the file cannot be opened.
    """
    descriptor = os.open(path, (os.O_RDWR | os.O_CREAT if create else os.O_RDONLY) | os.O_CLOEXEC, 0o666)
    try:
        lock_descriptor(descriptor, shared=shared, patience=patience)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def exclusive(lock: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock file `lock` for the length of the block, and remove it afterwards.

    Raises:
        BlockingIOError: another process holds it, and `wait` is false.
    """
    descriptor = _acquire(lock, math.inf if wait else 0)
    try:
        yield
    finally:
        # Removed while it is still held: a process that opened it meanwhile sees in `_acquire` that it is stale.
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def _acquire(lock: Path, patience: float) -> int:
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            lock_descriptor(descriptor, patience=patience)
            if lock.exists() and os.path.samestat(os.fstat(descriptor), lock.stat()):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
