"""The progress of a long computation: a bar on a terminal, a line now and then elsewhere; both on stderr."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Self

from xaitui.cli.output.streams import put, say
from xaitui.config.units import format_duration

if TYPE_CHECKING:
    from rich.progress import Progress

LINE_SECONDS = 10.0
"""Between two lines, where there is no terminal."""


class WorkBar:
    """Shows how much of something is done and how long the rest will take; lines are printed through it, above it."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._began = self._told = time.monotonic()
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        """Show the bar, before it is known how much there is to do."""
        if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=None),
                TaskProgressColumn(),
                TimeRemainingColumn(),
            )
            self._bar = Progress(
                *columns,
                console=Console(stderr=True),
                transient=True,
                expand=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._bar.add_task(self._what, total=None)
            self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()

    def show(self, done: int, total: int) -> None:
        """Show how much is done, and of how much."""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done, total=total)
        elif (now := time.monotonic()) - self._told >= LINE_SECONDS and done:
            self._told = now
            left = (now - self._began) / done * (total - done)
            say(f"{self._what}: {done / max(total, 1):.0%}, about {format_duration(left)} left")

    def say(self, text: str) -> None:
        """A line of words, to stderr."""
        self._above(say, [text])

    def put(self, lines: Iterable[str]) -> None:
        """Lines of data, to stdout."""
        self._above(put, lines)

    def _above(self, write: Callable[[str], None], lines: Iterable[str]) -> None:
        if self._bar is not None:
            self._bar.stop()
        for line in lines:
            write(line)
        if self._bar is not None:
            self._bar.start()
