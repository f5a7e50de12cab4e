"""Long work on the event loop in short slices, so that a key never waits for the whole of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

T = TypeVar("T")

SLICE_SECONDS = 0.008


async def in_slices(steps: Iterable[T]) -> AsyncIterator[T]:
    """The steps one by one; whatever waits meanwhile has its turn every few milliseconds."""
    began = time.perf_counter()
    for step in steps:
        yield step
        if time.perf_counter() - began > SLICE_SECONDS:
            await asyncio.sleep(0)
            began = time.perf_counter()
