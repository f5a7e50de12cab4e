"""Bytes that a thread moves or reads: how far it is, and how it is asked to end."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from xaitui.config.units import format_duration, format_size
from xaitui.errors import XaituiError
from xaitui.text import printable
from xaitui.tui.widgets.picture import is_plain

if TYPE_CHECKING:
    from xaitui.system.disk import Report

_REDRAW = 0.25
"""Seconds between two looks at how far it is."""


class StoppedTransferError(XaituiError):
    """The user has asked to end it."""


@dataclass(frozen=True)
class Progress:
    """How far a file is."""

    what: str
    done: int = 0
    total: int = 0
    """0 where it is not known."""
    speed: float = 0.0
    """Bytes a second since this began; 0 before anything came."""


class Transfer:
    """What the thread tells, and what it is told; it holds no widget."""

    def __init__(self) -> None:
        self.now = Progress("")
        """The newest progress, replaced as a whole."""
        self._stop = threading.Event()

    def stop(self) -> None:
        """Ask the thread to end; it does with the next block of bytes."""
        self._stop.set()

    @contextlib.contextmanager
    def progress(self, what: str) -> Iterator[Report]:
        """Begin a file: what it gives is called with the bytes that are done, and those there are in all."""
        self._end_if_asked()
        self.now = Progress(what)
        first: tuple[float, int] | None = None

        def report(done: int, total: int) -> None:
            nonlocal first
            self._end_if_asked()
            if first is None or done < first[1]:
                first = (time.monotonic(), done)
            seconds = time.monotonic() - first[0]
            self.now = Progress(what, done, total, (done - first[1]) / seconds if seconds else 0.0)

        yield report

    def pause(self, seconds: float) -> None:
        """Wait before another attempt, unless it is to end."""
        self._stop.wait(seconds)
        self._end_if_asked()

    def _end_if_asked(self) -> None:
        if self._stop.is_set():
            raise StoppedTransferError("stopped")


class TransferLine(Static):
    """A bar, bytes, speed and the time that is left, while there is a transfer."""

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._timer: Timer | None = None

    def follow(self, transfer: Transfer) -> None:
        """Show how far it is, until it is over."""
        self.end()
        self.display = True
        self._timer = self.set_interval(_REDRAW, lambda: self._draw(transfer))
        self._draw(transfer)

    def end(self, words: str = "", style: str = "") -> None:
        """Show nothing any more, or how it ended."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self.display = bool(words)
        self.update(Content.assemble((printable(words), style)))

    def _draw(self, transfer: Transfer) -> None:
        self.update(Content(describe(transfer.now, self.size.width, plain=is_plain(self.app))))


def describe(progress: Progress, width: int, *, plain: bool) -> str:
    """Two lines for a progress: what is done, and a bar with bytes, speed and time left."""
    size = format_size(progress.done) + (f" of {format_size(progress.total)}" if progress.total else "")
    words = [size]
    if progress.speed:
        words.append(f"{format_size(progress.speed)}/s")
        if progress.total:
            words.append(f"{format_duration((progress.total - progress.done) / progress.speed)} left")
    facts = ", ".join(words)
    room = max(0, min(40, width - len(facts) - 2))
    full = round(room * progress.done / progress.total) if progress.total else 0
    done, open_ = "#-" if plain else "█░"
    return f"{printable(progress.what)}\n{done * full}{open_ * (room - full)}  {facts}"
