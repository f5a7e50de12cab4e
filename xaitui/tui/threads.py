"""Work beside the event loop: threads, and workers that end with the widget they work for."""

from __future__ import annotations

import asyncio
import contextvars
import os
import sys
import threading
import time
from asyncio import CancelledError
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterable
from contextlib import AbstractContextManager, suppress
from functools import partial, update_wrapper
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, Generic, NoReturn, ParamSpec, TypeAlias, TypeVar, cast

from textual.dom import NoScreen
from textual.widget import Widget
from textual.worker import Worker, get_current_worker

P = ParamSpec("P")
T = TypeVar("T")
W = TypeVar("W", bound=Widget)
_Method: TypeAlias = Callable[Concatenate[W, P], Coroutine[Any, Any, T]]
_Starter: TypeAlias = Callable[Concatenate[W, P], Worker[T]]

SLICE_SECONDS = 0.008
"""How long work on the event loop goes on before other work has its turn."""
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


async def in_thread(function: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """Do something in a thread, and return what it returned."""
    handed_on = _HandedOn[T]()

    def carry_out() -> None:
        with handed_on:
            handed_on.result = function(*arguments, **options)

    begin_thread(carry_out)
    return await handed_on.future


def begin_thread(function: Callable[[], object]) -> None:
    """Do something in a thread, which the end of the console waits for up to `PATIENCE`."""

    def carry_out() -> None:
        try:
            function()
        finally:
            _at_work.discard(threading.current_thread())

    # Not asyncio's own threads: their end is waited for without limit when the program ends.
    thread = threading.Thread(target=partial(contextvars.copy_context().run, carry_out), name="console", daemon=True)
    _at_work.add(thread)
    thread.start()


def wait_for_threads() -> bool:
    """Let what is still being done come to its end, but not for longer than `PATIENCE`; say whether it did."""
    deadline = time.monotonic() + PATIENCE
    threads = list(_at_work)
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)


def end_process(code: int) -> NoReturn:
    """End this process at once. Python would end its threads first, which aborts the process where one is in torch."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


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


def work(*, group: str = "default", exclusive: bool = False) -> Callable[[_Method[W, P, T]], _Starter[W, P, T]]:
    """Make a method of a widget a worker, as Textual's `work` does, that ends without a word once its widget is gone.

    A screen that is left loses its widgets before its workers are cancelled: what came too late must not look for them.

    Args:
        group: of workers of the same widget.
        exclusive: whether it cancels the others of its group.
    """

    def decorate(method: _Method[W, P, T]) -> _Starter[W, P, T]:
        def start(widget: W, *arguments: P.args, **options: P.kwargs) -> Worker[T]:
            begin = partial(while_there, widget, partial(method, widget, *arguments, **options))
            return widget.run_worker(begin, name=method.__name__, group=group, exclusive=exclusive)

        return cast("_Starter[W, P, T]", update_wrapper(start, method))

    return decorate


async def while_there(widget: Widget, begin: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Do what a coroutine does for as long as a widget is there."""
    return await _WhileThere(widget, begin())


class _WhileThere(Generator[Any, Any, T]):
    """The coroutine of a worker, which goes on only while a widget is there: then it is cancelled where it waits."""

    def __init__(self, widget: Widget, coroutine: Coroutine[Any, Any, T]) -> None:
        self._widget, self._coroutine = widget, coroutine
        self._is_cancelled = False

    def __await__(self) -> Generator[Any, Any, T]:
        return self

    def send(self, value: Any) -> Any:
        """Go on with a value."""
        return self._coroutine.throw(CancelledError()) if self._is_over() else self._coroutine.send(value)

    def throw(self, error: Any, value: Any = None, trace: TracebackType | None = None) -> Any:
        """Go on with an error."""
        return self._coroutine.throw(CancelledError() if self._is_over() else value or error)

    def _is_over(self) -> bool:
        """Whether it is to be cancelled; True only once, for it may have to wait for something to tidy up."""
        if self._is_cancelled or is_there(self._widget):
            return False
        self._is_cancelled = True
        get_current_worker().cancel()  # for those that look at that
        return True


def is_there(widget: Widget) -> bool:
    """Whether a widget is part of the app, and neither it nor the app is about to be taken away."""
    try:
        return widget.is_attached and bool(widget.screen.display)
    except NoScreen:
        return False


async def in_slices(steps: Iterable[T]) -> AsyncIterator[T]:
    """The steps one by one; whatever waits meanwhile has its turn every few milliseconds."""
    began = time.perf_counter()
    for step in steps:
        yield step
        if time.perf_counter() - began > SLICE_SECONDS:
            await asyncio.sleep(0)
            began = time.perf_counter()
