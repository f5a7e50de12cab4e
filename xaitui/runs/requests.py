"""What other processes ask of a running one: one small file each, made exclusively, taken by renaming it.

No signals, so that it works over a shared disk and for whoever may write in the run directory.
"""

from __future__ import annotations

import contextlib
from enum import StrEnum
from pathlib import Path

FOLDER = "requests"
MOST_WORDS = 80
"""Characters of who asks that are read."""


class Request(StrEnum):
    """What can be asked."""

    STOP = "stop"
    """Finish the step, save, end."""
    STOP_AFTER_EPOCH = "stop-after-epoch"
    """Finish the epoch, save, end."""
    SAVE = "save"
    """Write an exact checkpoint and go on."""
    PAUSE = "pause"
    """Finish the step, save, and wait with everything in memory."""
    CONTINUE = "continue"
    """End the pause."""


_UNDOES = {Request.PAUSE: Request.CONTINUE, Request.CONTINUE: Request.PAUSE}
"""Of two of these that wait, only the later one counts."""


def ask(run: Path, request: Request, where: str = "") -> bool:
    """Leave a request; False where the same one is waiting already.

    Args:
        run: the run directory.
        request: what is asked.
        where: from where, for people: "in the console".

    Raises:
        OSError: the run directory cannot be written.
    """
    folder = run / FOLDER
    folder.mkdir(exist_ok=True)
    if request in _UNDOES:
        (folder / _UNDOES[request].value).unlink(missing_ok=True)
    try:
        with (folder / request.value).open("xb", buffering=0) as file, contextlib.suppress(OSError):
            file.write(where.encode())  # on a full disk the request itself may still do
    except FileExistsError:
        return False
    return True


def take(run: Path) -> dict[Request, str]:
    """The requests that wait, each given to one taker only, and from where they were asked; empty: not known."""
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
