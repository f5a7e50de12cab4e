"""Who writes a run: a lock for deciding, an identity for telling, a heartbeat for other machines."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from xaitui.errors import UsageError
from xaitui.system.atomic_files import remove_leftovers, write_atomic
from xaitui.system.damaged_files import RECORD_DAMAGE
from xaitui.system.file_lock import RETRY_SECONDS, lock_descriptor
from xaitui.system.periodic import repeating
from xaitui.text import quoted

HEARTBEAT_SECONDS = 10.0
NAMING_LOOKS = 20
"""At a lock whose owner has not written its name yet."""
SILENT_SECONDS = 60.0
"""After which a heartbeat that has not moved means that the writer may be gone."""

WRITTEN_BY_THE_OWNER = ("checkpoints", "explanations/training")
"""Folders of a run that nobody else writes in; predictions, for one, are also computed afterwards."""


class BusyError(UsageError):
    """Another process writes the run, or a machine that cannot be asked from here may still do so."""


@dataclass(frozen=True)
class Owner:
    """A process, named so that a recycled pid, a reboot or another container is not taken for it."""

    host: str
    boot: str
    namespace: str
    pid: int
    started: float
    """Seconds, of a clock that nobody sets where the system has one."""

    @staticmethod
    def of_this_process() -> Owner:
        """The identity of the caller."""
        pid = os.getpid()
        return Owner(socket.gethostname(), _boot(), _namespace(), pid, _started(psutil.Process(pid)))

    @property
    def is_near(self) -> bool:
        """Whether its pid means the same here: the same boot of the same machine, the same pid namespace."""
        return (self.boot, self.namespace) == (_boot(), _namespace())

    @property
    def is_alive(self) -> bool:
        """Whether the process runs; only to be asked of one that is near."""
        return is_running(self.pid, self.started)


def is_running(pid: int, started: float | None = None) -> bool:
    """Whether a process of this machine runs; with the time of its start, one that got its pid later does not count."""
    try:
        process = psutil.Process(pid)
        # A lock of an earlier version has the wall clock's time.
        same = started is None or any(abs(each - started) < 1.0 for each in (_started(process), process.create_time()))
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _started(process: psutil.Process) -> float:
    """When a process was started: on Linux since the machine was, for its wall clock may have been set since.

    Raises:
        psutil.Error: there is no such process.
    """
    with contextlib.suppress(*RECORD_DAMAGE):
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return float(process.create_time())


def _boot() -> str:
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{socket.gethostname()}-{psutil.boot_time():.0f}"


def _namespace() -> str:
    with contextlib.suppress(OSError):
        return str(Path("/proc/self/ns/pid").readlink())
    return ""


def read_owner(path: Path) -> Owner | None:
    """The owner noted in a lock file; None where none is noted, or it cannot be read."""
    try:
        owner = Owner(**json.loads(path.read_text()))
    except RECORD_DAMAGE:
        return None
    texts = all(isinstance(text, str) for text in (owner.host, owner.boot, owner.namespace))
    numbers = type(owner.pid) is int and 0 < owner.pid < 1 << 31 and isinstance(owner.started, float)
    return owner if texts and numbers else None


def read_heartbeat(path: Path) -> int:
    """The counter of a heartbeat file; -1 where there is none."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return -1


class Pulse:
    """Watches a heartbeat from another machine, by the clock of the one who watches."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._count = read_heartbeat(path)
        self._moved = clock()

    def silent_for(self) -> float:
        """Seconds since the counter was last seen to move."""
        count = read_heartbeat(self._path)
        if count != self._count:
            self._count, self._moved = count, self._clock()
        return self._clock() - self._moved


@contextlib.contextmanager
def owning(lock: Path, heartbeat: Path, *, take_over: bool = False, patience: float = 0.0) -> Iterator[Owner]:
    """Be the one writer of a run for the length of the block.

    Args:
        take_over: whether a lock of another machine is broken.
        patience: seconds to wait for the writer before, who is about to let go.

    Raises:
        BusyError: another process writes the run, or a machine that cannot be asked from here may still do so.
    """
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        other = read_owner(lock)
        try:
            lock_descriptor(descriptor, patience=patience)
        except BlockingIOError:
            other = _who_holds(lock)
            who = f"process {other.pid} on {other.host}" if other else "another process"
            raise BusyError(
                f"{lock.parent.name} is being written by {who}; stop it first: xaitui stop {quoted(lock.parent.name)}"
            ) from None
        if other is not None and not other.is_near and other.host != socket.gethostname() and not take_over:
            raise BusyError(
                f"{lock.parent.name} was last written by process {other.pid} on {other.host}, which "
                "cannot be asked from here; if it is gone, add --take-over"
            )
        owner = Owner.of_this_process()
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(asdict(owner)).encode(), 0)
        for folder in (lock.parent, *(lock.parent / name for name in WRITTEN_BY_THE_OWNER)):
            remove_leftovers(folder)
        try:
            with _beating(heartbeat):
                yield owner
        finally:
            with contextlib.suppress(OSError):  # the lock itself is let go of below
                os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _who_holds(lock: Path) -> Owner | None:
    """The owner of a lock that is held; one who has only just got it needs a moment to write who it is."""
    for _ in range(NAMING_LOOKS):
        if (owner := read_owner(lock)) is not None:
            return owner
        time.sleep(RETRY_SECONDS)
    return None


def _beating(path: Path) -> contextlib.AbstractContextManager[None]:
    counter = itertools.count(read_heartbeat(path) + 1)
    return repeating(
        lambda: write_atomic(path, str(next(counter)), grows=True), every=HEARTBEAT_SECONDS, name="heartbeat"
    )
