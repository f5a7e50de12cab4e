"""A thread beside the training that takes up requests of other processes and keeps the time limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from xaitui.errors import ExitCode
from xaitui.runs.requests import Request, take
from xaitui.stop import Stop, StopReason
from xaitui.system.periodic import repeating

POLL_SECONDS = 0.5


def _reason(request: Request, where: str) -> StopReason:
    after_epoch = request is Request.STOP_AFTER_EPOCH
    words = ["asked to stop", "after the epoch" if after_epoch else "", where or "by another process"]
    return StopReason(" ".join(filter(None, words)), ExitCode.FINISHED, after_epoch=after_epoch, test=True)


def watching(
    run: Path, stop: Stop, *, max_time: float, save_now: Callable[[], None], answered: Callable[[Request], None]
) -> AbstractContextManager[None]:
    """Look for requests, and for the end of `max_time` seconds (0: none), for the length of the block."""
    deadline = time.monotonic() + max_time if max_time else float("inf")

    def look() -> None:
        if time.monotonic() > deadline and not stop.now:  # first: a folder that cannot be read must not end the limit
            stop.ask(StopReason("the time of --max-time is up", ExitCode.REQUEUE))
        for request, where in ({} if stop.hands_over else take(run)).items():
            answered(request)
            match request:
                case Request.SAVE:
                    save_now()
                case Request.PAUSE | Request.CONTINUE:
                    stop.paused = request is Request.PAUSE
                case _:
                    stop.ask(_reason(request, where))

    return repeating(look, every=POLL_SECONDS, name="requests")
