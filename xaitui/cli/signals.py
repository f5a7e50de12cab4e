"""Signals as requests to stop: once is polite, twice is now, a lost line is nothing."""

from __future__ import annotations

import signal
import threading
from types import FrameType

from xaitui.cli.streams import say
from xaitui.errors import ExitCode
from xaitui.stop import Stop, StopReason


def stop_on_signals(stop: Stop) -> None:
    """Have signals ask `stop`; only the main thread may do this."""
    if threading.current_thread() is not threading.main_thread():
        return

    def interrupted(number: int, frame: FrameType | None) -> None:
        if stop.now is not None:
            signal.signal(number, signal.SIG_IGN)
            raise KeyboardInterrupt
        say("stopping after this step and saving; press again to stop at once")
        stop.ask(StopReason("SIGINT", ExitCode.INTERRUPTED))

    def terminated(number: int, frame: FrameType | None) -> None:
        stop.ask(StopReason("SIGTERM", ExitCode.TERMINATED))

    def requeued(number: int, frame: FrameType | None) -> None:
        stop.ask(StopReason("SIGUSR1", ExitCode.REQUEUE))

    signal.signal(signal.SIGINT, interrupted)
    signal.signal(signal.SIGTERM, terminated)
    signal.signal(signal.SIGUSR1, requeued)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a dropped line must not end a run without a screen
