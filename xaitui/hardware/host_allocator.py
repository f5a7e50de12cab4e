"""Reuse of freed memory by the C library; torch allocates and frees the same large blocks at every step."""

from __future__ import annotations

import ctypes
import resource

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""Parameters of mallopt(3), from glibc's malloc.h."""
_LARGEST_BLOCKS = (1 << 30, 1 << 25)
"""Largest block in bytes that is allocated from kept memory; older versions of glibc refuse more than the second."""


def keep_freed_memory() -> None:
    """Make glibc keep freed memory for later allocations; no effect on other C libraries.

    By default it gives large blocks back to the system, which hands them out again page by page, each zeroed when it is
    first touched: a step of the report's first network at batch 256 had 53,000 page faults and took 1.7 times as long.
    Threads that begin later share one pool, for the pools of threads are too small for such blocks. Where the system
    limits the memory of the process (ulimit), everything stays as it is: kept memory counts, and what is not malloc's,
    like the code of a convolution for another batch size, would find none after memory ran out.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None or _is_limited():
        return
    mallopt(_ARENA_MAX, 1)
    mallopt(_TRIM_THRESHOLD, 2**31 - 1)
    any(mallopt(_MMAP_THRESHOLD, size) for size in _LARGEST_BLOCKS)


def _is_limited() -> bool:
    return any(
        resource.getrlimit(kind)[0] != resource.RLIM_INFINITY for kind in (resource.RLIMIT_DATA, resource.RLIMIT_AS)
    )


def give_back_freed_memory() -> None:
    """Make glibc return unused memory to the system."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
