"""CPUs and memory, and their use by our own processes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Set

import psutil

from xaitui.hardware.sample import HostSample

_READINGS = 10
"""Interval of listing all processes of the machine, the most expensive operation here."""


class Host:
    """Reader of CPU use, for the thread that created it; shares are relative to the previous reading."""

    def __init__(self, roots: Set[int] = frozenset()) -> None:
        self._ours = ProcessTree()
        self._ours.update(roots)
        self._ours.usage()
        psutil.cpu_percent(percpu=True)

    def read(self, roots: Set[int]) -> HostSample:
        """Return the shares since the last reading; `roots` are the pids of our other processes."""
        self._ours.update(roots)
        our_processor, our_memory = self._ours.usage()
        memory = psutil.virtual_memory()
        cores = tuple(psutil.cpu_percent(percpu=True))
        return HostSample(
            cores,
            memory.total - memory.available,
            memory.total,
            _load(),
            min(our_processor, 100.0 * len(cores)),  # counted in ticks, which are too coarse for short times
            our_memory,
        )

    @property
    def ours(self) -> Set[int]:
        """The pids of our processes at the last reading."""
        return self._ours.pids


class ProcessTree:
    """This process, other given ones, and all their children; new children are found with a delay."""

    def __init__(self) -> None:
        self._processes: dict[int, psutil.Process] = {}
        self._readings = 0

    @property
    def pids(self) -> Set[int]:
        """Of all of them."""
        return self._processes.keys()

    def update(self, roots: Set[int]) -> None:
        """Update the processes: the `roots` at every call, their children at every tenth call."""
        wanted = {os.getpid(), *roots}
        if self._readings % _READINGS == 0:
            wanted |= _descendants(wanted)
            self._processes = {
                pid: process for pid, process in self._processes.items() if pid in wanted and process.is_running()
            }
        self._readings += 1
        for pid in wanted - self.pids:
            with contextlib.suppress(psutil.Error):
                self._processes[pid] = psutil.Process(pid)

    def usage(self) -> tuple[float, int]:
        """Percent of one core since the last call, and resident bytes."""
        processor, memory = 0.0, 0
        for pid, process in list(self._processes.items()):
            try:
                with process.oneshot():
                    processor += process.cpu_percent()
                    memory += process.memory_info().rss
            except psutil.Error:
                del self._processes[pid]
        return processor, memory


def _descendants(roots: Set[int]) -> set[int]:
    """Children, their children, and so on."""
    children: dict[int, list[int]] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            children.setdefault(process.ppid(), []).append(process.pid)
    found, left = set[int](), list(roots)
    while left:
        new = set(children.get(left.pop(), ())) - found
        found |= new
        left += new
    return found


def _load() -> tuple[float, float, float] | None:
    try:
        return os.getloadavg()
    except OSError:
        return None
