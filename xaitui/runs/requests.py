"""Requests from other processes to a running one: one small file each, created exclusively, taken by renaming it.

Files are used instead of signals so that requests work over a shared disk, for anyone with write access to the run.
"""

from __future__ import annotations

import contextlib
from enum import StrEnum
from pathlib import Path

FOLDER = "requests"
MOST_WORDS = 80
"""Longest description of the sender, in characters."""


class Request(StrEnum):
    """A request to a running process."""

    STOP = "stop"
    """Finish the step, save, end."""
    STOP_AFTER_EPOCH = "stop-after-epoch"
    """Finish the epoch, save, end."""
    SAVE = "save"
    """Write an exact checkpoint and continue."""
    PAUSE = "pause"
    """Finish the step, save, and wait with everything in memory."""
    CONTINUE = "continue"
    """End the pause."""


_UNDOES = {Request.PAUSE: Request.CONTINUE, Request.CONTINUE: Request.PAUSE}
"""Each of these replaces the other while that one is still pending."""


def ask(run: Path, request: Request, where: str = "") -> bool:
    """Leave a request; return False if the same one is already pending.

    Args:
        run: the run directory.
        request: the request.
        where: description of the sender, such as "in the console".

    Raises:
        OSError: the run directory cannot be written.
    """
    folder = run / FOLDER
    folder.mkdir(exist_ok=True)
    if request in _UNDOES:
        (folder / _UNDOES[request].value).unlink(missing_ok=True)
    try:
        with (folder / request.value).open("xb", buffering=0) as file, contextlib.suppress(OSError):
            file.write(where.encode())  # on a full disk the empty file is enough
    except FileExistsError:
        return False
    return True


def take(run: Path) -> dict[Request, str]:
    """Take all pending requests, with the description of each sender; empty if unknown.

    Renaming a file succeeds in one process only, so that a request is never taken twice.
    """
    taken = {}
    for request in Request:
        source = run / FOLDER / request.value
        with contextlib.suppress(FileNotFoundError):
            taking = source.rename(source.with_suffix(".taken"))
            taken[request] = _words(taking)
            taking.unlink(missing_ok=True)
    return taken


def _words(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace")[:MOST_WORDS]
    return ""
