"""Work beside the event loop, and what becomes of it when whoever asked for it is gone."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Generic, ParamSpec, TypeVar

from textual.dom import NoScreen
from textual.widget import Widget

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE = 5.0
"""Seconds that the end of the console waits for what is still being done; a share that hangs may never answer."""

_at_work: set[threading.Thread] = set()


class _HandedOn(AbstractContextManager["_HandedOn[T]"], Generic[T]):
    """Hands what a thread comes to, an error included, to who waits for it on an event loop, if it still runs."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[T] = self._loop.create_future()
        self.result: T

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._settle, error)
        return True

    def _settle(self, error: BaseException | None) -> None:
        if self.future.cancelled():
            return
        if error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(error)


async def in_thread(widget: Widget, work: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """Do something in a thread, on behalf of a widget or a screen, and return what it returned.

    A screen that is left loses its widgets before its workers are cancelled: what came too late must not look for them.

    Raises:
        asyncio.CancelledError: the widget has been taken away meanwhile, which ends its worker without a word.
    """
    handed_on = _HandedOn[T]()

    def carry_out() -> None:
        with handed_on:
            handed_on.result = work(*arguments, **options)
        _at_work.discard(threading.current_thread())

    # Not asyncio's own threads: their end is waited for without limit when the program ends.
    thread = threading.Thread(target=partial(contextvars.copy_context().run, carry_out), name="console", daemon=True)
    _at_work.add(thread)
    thread.start()
    try:
        return await handed_on.future
    finally:
        give_up_without(widget)


def wait_for_threads() -> None:
    """Let what is still being done come to its end, but not for longer than `PATIENCE`."""
    deadline = time.monotonic() + PATIENCE
    for thread in list(_at_work):
        thread.join(max(0.0, deadline - time.monotonic()))


def touch(*paths: Path) -> None:
    """Read the end of files, or the names in folders, as far as they can be read.

    To be called in a thread before they are read on the event loop: where a share hangs, this hangs, and the console
    does not; where it answers, what is read next lies in the memory of this machine.
    """
    for path in paths:
        with suppress(OSError):
            if path.is_dir():
                next(os.scandir(path), None)
                continue
            with path.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - 1))
                file.read(1)


def give_up_without(widget: Widget) -> None:
    """Go on only if a widget is still there.

    Raises:
        asyncio.CancelledError: it has been taken away, or is about to be.
    """
    try:
        is_there = widget.is_attached and widget.screen.display
    except NoScreen:
        is_there = False
    if not is_there:
        raise asyncio.CancelledError
