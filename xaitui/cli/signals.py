"""Signals as requests to stop: once is polite, twice is now, a lost line is nothing."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from xaitui.cli.output.streams import say
from xaitui.errors import ExitCode
from xaitui.stop import Stop, StopReason

Handler = Callable[[int, FrameType | None], None] | signal.Handlers


@contextlib.contextmanager
def stop_on_signals(stop: Stop) -> Iterator[None]:
    """Have signals ask `stop` for the length of the block; outside the main thread they are left alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupted(number: int, frame: FrameType | None) -> None:
        if stop.now is not None:
            signal.signal(number, signal.SIG_IGN)
            raise KeyboardInterrupt
        stop.ask(StopReason("SIGINT", ExitCode.INTERRUPTED))  # first: a terminal that is stopped lets words wait
        say("stopping after this step and saving; press again to stop at once")

    def terminated(number: int, frame: FrameType | None) -> None:
        stop.ask(StopReason("SIGTERM", ExitCode.TERMINATED))

    def requeued(number: int, frame: FrameType | None) -> None:
        stop.ask(StopReason("SIGUSR1", ExitCode.REQUEUE))

    handlers: dict[signal.Signals, Handler] = {
        signal.SIGINT: interrupted,
        signal.SIGTERM: terminated,
        signal.SIGUSR1: requeued,
        signal.SIGHUP: signal.SIG_IGN,  # a dropped line must not end a run without a screen
    }
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
