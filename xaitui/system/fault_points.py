"""Named points at which a test or a measurement can inject a fault.

Where nobody does, a point is a call that looks at one name.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from enum import StrEnum


class Point(StrEnum):
    """A fault point; it is reported with the name of the file or the kind of event being written."""

    FILE_OPENED = "file opened"
    """An empty temporary file has been created beside the one that it will replace."""
    FILE_WRITTEN = "file written"
    """The temporary file is written, maybe only in memory."""
    FILE_SYNCED = "file synced"
    """The temporary file is on disk."""
    FILE_RENAMED = "file renamed"
    """It has replaced the previous file; the folder may not be synced."""
    FILE_DONE = "file done"
    LINE_BEGUN = "line begun"
    """Before a line of the journal is written."""
    LINE_WRITTEN = "line written"
    LINE_SYNCED = "line synced"
    """After a line that must survive a power cut is on disk."""
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
"""Called with a point and what is being written, or an empty text; may raise, or kill the process."""

_hook: Hook | None = None


def point(name: Point, what: str = "") -> None:
    """Mark a fault point."""
    if _hook is not None:
        _hook(name, what)


@contextlib.contextmanager
def injected(hook: Hook) -> Iterator[None]:
    """Call `hook` at every point of this process for the length of the block."""
    global _hook
    before, _hook = _hook, hook
    try:
        yield
    finally:
        _hook = before
