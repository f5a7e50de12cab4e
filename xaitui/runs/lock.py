"""The single writer of a run: a file lock, the identity of its owner, and a heartbeat.

The lock (flock) decides who may write, because the kernel releases it when a process ends in any way. It does not say
who holds it, so the owner writes its identity into the file, for messages and for the list of runs. Neither can be
checked from another machine that shares the disk: for it a counter, the heartbeat, shows that the owner is alive.
"""

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
"""Number of times that a lock is read whose owner has not written its identity yet."""
SILENT_SECONDS = 60.0
"""Time without a heartbeat after which the writer may be gone."""

WRITTEN_BY_THE_OWNER = ("checkpoints", "explanations/training")
"""Folders of a run in which only its owner writes; predictions, for example, may also be computed later by others."""


class BusyError(UsageError):
    """Another process writes the run, or another machine, which cannot be checked from here, may still do so."""


@dataclass(frozen=True)
class Owner:
    """Identity of a process.

    A pid alone is not enough: it is reused, it starts again after a reboot, and each container has its own. The time of
    its start, the boot and the pid namespace tell such processes apart.
    """

    host: str
    boot: str
    namespace: str
    pid: int
    started: float
    """Start time in seconds since boot; the wall clock, which may be set, only on systems without the former."""

    @staticmethod
    def of_this_process() -> Owner:
        """The identity of the caller."""
        pid = os.getpid()
        return Owner(socket.gethostname(), _boot(), _namespace(), pid, _started(psutil.Process(pid)))

    @property
    def is_near(self) -> bool:
        """Whether its pid is valid here: the same boot of the same machine, and the same pid namespace."""
        return (self.boot, self.namespace) == (_boot(), _namespace())

    @property
    def is_alive(self) -> bool:
        """Whether the process runs; meaningful only if it `is_near`."""
        return is_running(self.pid, self.started)


def is_running(pid: int, started: float | None = None) -> bool:
    """Whether a process of this machine runs; with its start time, a later process of that pid does not count."""
    try:
        process = psutil.Process(pid)
        # Locks written by older versions hold the start time of the wall clock.
        same = started is None or any(abs(each - started) < 1.0 for each in (_started(process), process.create_time()))
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _started(process: psutil.Process) -> float:
    """Start time of a process: on Linux in seconds since boot, because the wall clock may have been set since.

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
    """The owner recorded in a lock file; None if there is none or it cannot be read."""
    try:
        owner = Owner(**json.loads(path.read_text()))
    except RECORD_DAMAGE:
        return None
    texts = all(isinstance(text, str) for text in (owner.host, owner.boot, owner.namespace))
    numbers = type(owner.pid) is int and 0 < owner.pid < 1 << 31 and isinstance(owner.started, float)
    return owner if texts and numbers else None


def read_heartbeat(path: Path) -> int:
    """The counter of a heartbeat file; -1 if there is none."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return -1


class Pulse:
    """Watches the heartbeat of a writer on another machine.

    The heartbeat is a counter, not a time, and its changes are timed by this machine's clock: the clocks of the two
    machines need not agree.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._count = read_heartbeat(path)
        self._moved = clock()

    def silent_for(self) -> float:
        """Seconds since the counter was last seen to change."""
        count = read_heartbeat(self._path)
        if count != self._count:
            self._count, self._moved = count, self._clock()
        return self._clock() - self._moved


@contextlib.contextmanager
def owning(lock: Path, heartbeat: Path, *, take_over: bool = False, patience: float = 0.0) -> Iterator[Owner]:
    """Be the single writer of a run within the block.

    Args:
        lock: the lock file.
        heartbeat: the heartbeat file, which is updated within the block.
        take_over: whether to ignore an owner on another machine.
        patience: seconds to wait for a writer that is about to release the lock.

    Raises:
        BusyError: another process writes the run, or another machine, which cannot be checked from here, may do so.
    """
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        # A network disk may not pass the lock on to other machines. A recorded owner there therefore refuses a lock
        # that was obtained: a clean end would have emptied the file, so that process may still be alive.
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
            with contextlib.suppress(OSError):  # closing the file below releases the lock
                os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _who_holds(lock: Path) -> Owner | None:
    """The owner of a held lock; a new owner needs a moment to write its identity."""
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
