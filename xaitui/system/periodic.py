"""Periodic background actions during training."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator

PATIENCE = 10.0
"""Seconds to wait for a running action at the end."""


@contextlib.contextmanager
def repeating(action: Callable[[], None], *, every: float, name: str) -> Iterator[None]:
    """Call `action` now and every so many seconds, in a thread of its own, for the length of the block.

    An OSError of the action is passed over: a disk or share that fails for a moment must not end what it runs beside.
    One that hangs must not keep it from ending: the thread is left behind after `PATIENCE`, and ends with the process.
    """
    over = threading.Event()

    def work() -> None:
        while True:
            with contextlib.suppress(OSError):
                action()
            if over.wait(every):
                return

    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(PATIENCE)
        if thread.is_alive():
            logging.getLogger("xaitui").warning("%s: still waiting for the disk; left behind", name)
