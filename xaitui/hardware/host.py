"""Processors and memory, and what our own processes take of them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Set

import psutil

from xaitui.hardware.sample import HostSample

_READINGS = 10
"""Between two looks at all processes of the machine, which cost more than everything else here."""


class Host:
    """Reads the processors, in the thread that made it: a share is what was taken since the reading before."""

    def __init__(self, roots: Set[int] = frozenset()) -> None:
        self._ours = ProcessTree()
        self._ours.update(roots)
        self._ours.usage()
        psutil.cpu_percent(percpu=True)

    def read(self, roots: Set[int]) -> HostSample:
        """Shares since the last reading; `roots` are the pids of processes that are ours besides this one."""
        self._ours.update(roots)
        our_processor, our_memory = self._ours.usage()
        memory = psutil.virtual_memory()
        cores = tuple(psutil.cpu_percent(percpu=True))
        return HostSample(
            cores,
            memory.total - memory.available,
            memory.total,
            _load(),
            min(our_processor, 100.0 * len(cores)),  # it is counted in ticks, of which a short time has too few
            our_memory,
        )

    @property
    def ours(self) -> Set[int]:
        """The pids of our processes at the last reading."""
        return self._ours.pids


class ProcessTree:
    """This process, others that are named, and the children of them all; new children are seen a little later."""

    def __init__(self) -> None:
        self._processes: dict[int, psutil.Process] = {}
        self._readings = 0

    @property
    def pids(self) -> Set[int]:
        """Of all of them."""
        return self._processes.keys()

    def update(self, roots: Set[int]) -> None:
        """Find who belongs to it: the `roots` at once, their children at every tenth call."""
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
