"""Named points of the work at which a test, or a measurement, can make something go wrong.

Where nobody does, a point is a call that looks at one name.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from enum import StrEnum


class Point(StrEnum):
    """Where something can go wrong. What is written there is said with it: a file's name, or an event's kind."""

    FILE_OPENED = "file opened"
    """A temporary file lies beside the one that it will replace; nothing of it is written."""
    FILE_WRITTEN = "file written"
    """It is written, and may be in memory only."""
    FILE_SYNCED = "file synced"
    """It is on the disk, under its temporary name."""
    FILE_RENAMED = "file renamed"
    """It has taken the place of the one before; the folder may not be on the disk."""
    FILE_DONE = "file done"
    LINE_BEGUN = "line begun"
    """Before a line of the journal is written."""
    LINE_WRITTEN = "line written"
    LINE_SYNCED = "line synced"
    """Of the lines that are to survive a power cut."""
    ROW_BEGUN = "row begun"
    """Before a row of metrics.csv."""
    ROW_WRITTEN = "row written"
    STEP_BEGUN = "step begun"
    STEP_DONE = "step done"
    EVALUATION_BEGUN = "evaluation begun"
    EVALUATION_BATCH = "evaluation batch"
    """Between two batches of an evaluation."""
    EVALUATION_DONE = "evaluation done"
    BLOCK_RECEIVED = "block received"
    """Between two blocks of a download."""


Hook = Callable[[Point, str], None]
"""Told a point and what is being written there, empty where nothing is; may raise, or kill."""

_hook: Hook | None = None


def point(name: Point, what: str = "") -> None:
    """Here something may be made to go wrong."""
    if _hook is not None:
        _hook(name, what)


@contextlib.contextmanager
def injected(hook: Hook) -> Iterator[None]:
    """Have `hook` called at every point of this process for the length of the block."""
    global _hook
    before, _hook = _hook, hook
    try:
        yield
    finally:
        _hook = before
