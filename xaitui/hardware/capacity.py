"""CPUs and memory available to this process, within the limits of its container or job.

Limits of control groups, of the first and the second version (cgroups(7)), hold for a group and all groups below it.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

FEW_CORES = 4
"""Number of cores up to which all are used: one less would cost more than sharing them with the console."""
GROUPS, MOUNTED = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
CACHED = frozenset({"active_file", "inactive_file", "total_active_file", "total_inactive_file"})
"""Lines of memory.stat: the file cache, which the kernel gives up before a group reaches its limit."""


@dataclass(frozen=True)
class ControlGroups:
    """Control groups of a process: its own and those above it."""

    groups: Path = GROUPS
    """File that names them."""
    mounted: Path = MOUNTED
    """Root folder of their files."""

    def cores(self) -> float:
        """The smallest quota, in cores; infinite if there is none."""
        return min([*self._quotas()], default=math.inf)

    def memory_left(self) -> float:
        """Bytes until the nearest limit, counting the file cache as free; infinite if there is none."""
        found = [
            _number(folder / limit, math.inf) - _number(folder / used, 0) + _cached(folder)
            for folder in self._folders("memory")
            for limit, used in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))
        ]
        return max(0.0, min(found, default=math.inf))

    def _quotas(self) -> Iterator[float]:
        for folder in self._folders("cpu"):
            words = _text(folder / "cpu.max").split()
            words = words or [_text(folder / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period")]
            with contextlib.suppress(ValueError, ZeroDivisionError):  # "max", or files that are not there
                if (quota := int(words[0]) / int(words[1])) > 0:  # -1 is no quota
                    yield quota

    def _folders(self, controller: str) -> Iterator[Path]:
        """The folders of the groups that have a controller, each before the one above it."""
        for line in _text(self.groups).splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and controller not in controllers.split(","):
                continue
            # The second version is mounted alone, or beside the first one; a container may see its own group as root.
            for root in {
                self.mounted / name for name in ((controllers, controller) if controllers else ("", "unified"))
            }:
                group = root / path.lstrip("/")
                yield from (each for each in (group, *group.parents) if each.is_relative_to(root))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""


def _number(path: Path, otherwise: float) -> float:
    try:
        return int(_text(path))
    except ValueError:  # "max", or no such file
        return otherwise


def _cached(folder: Path) -> int:
    rows = [line.split() for line in _text(folder / "memory.stat").splitlines()]
    values = {name: int(value) for name, value in rows if name in CACHED}
    totals = [value for name, value in values.items() if name.startswith("total_")]  # of the groups below, too
    return sum(totals or values.values())


def available_memory(groups: ControlGroups | None = None) -> int:
    """Return the bytes that this process can still allocate."""
    free: int = psutil.virtual_memory().available
    return int(min(free, (groups or ControlGroups()).memory_left()))


def usable_cores(environ: Mapping[str, str] = os.environ, groups: ControlGroups | None = None) -> tuple[int, str]:
    """Return the number of cores this process may use, and what limits it."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = (groups or ControlGroups()).cores()
    bounds = [
        (usable, "the cores this process may use"),
        (max(1, int(min(quota, usable))), f"the processor quota of the container, {quota:.3g} cores"),
        (_count(environ, "SLURM_CPUS_PER_TASK", usable), "SLURM_CPUS_PER_TASK"),
    ]
    return min(bounds, key=lambda bound: bound[0])


def default_threads(environ: Mapping[str, str] = os.environ, groups: ControlGroups | None = None) -> tuple[int, str]:
    """Return the default number of compute threads, and the reason."""
    usable, why = usable_cores(environ, groups)
    cores = min(usable, psutil.cpu_count(logical=False) or usable)  # hyper-threads share the arithmetic units of a core
    threads = cores - 1 if cores > FEW_CORES else cores
    wanted = _count(environ, "OMP_NUM_THREADS", threads)
    if wanted < threads:
        return wanted, "OMP_NUM_THREADS"
    if threads < cores:
        why = why.replace("the cores", f"the {cores} cores")
        return threads, f"{why}, but one for the console and for reading data"
    return threads, why


def _count(environ: Mapping[str, str], name: str, otherwise: int) -> int:
    """The number of a variable; OMP_NUM_THREADS may have more behind it, for nested loops."""
    first = environ.get(name, "").partition(",")[0].strip()
    return max(1, int(first)) if first.isdecimal() else otherwise
