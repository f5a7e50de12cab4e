"""Progress of a run without the console: a bar and a line an epoch on a terminal, plain lines, or JSON."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Iterator
from typing import Protocol

from xaitui.cli.output.streams import put, say
from xaitui.config.units import format_size
from xaitui.event_codec import encode
from xaitui.events import (
    EpochStarted,
    Event,
    RunFailed,
    RunFinished,
    RunResumed,
    RunStarted,
    RunStopped,
    StepLogged,
)
from xaitui.jobs.background import RUN_LINE
from xaitui.runs.directory import RunDirectory
from xaitui.runs.journal.describe import describe
from xaitui.text import quoted


class Reporter(Protocol):
    """Shows a run to someone."""

    def say(self, text: str) -> None:
        """Show a line of words."""

    def begin(self, run: RunDirectory) -> None:
        """The run has a directory."""

    def show(self, event: Event) -> None:
        """Something happened."""

    def end(self) -> None:
        """Nothing more comes."""


class JsonReporter:
    """The journal's events on stdout, and nothing else there."""

    def say(self, text: str) -> None:
        """Words go to stderr."""
        say(text)

    def begin(self, run: RunDirectory) -> None:
        """Say where the run is."""
        self._run = run
        say(f"run {run.path}")

    def show(self, event: Event) -> None:
        """Write the line that the journal has."""
        put(encode(event).decode().rstrip())
        if isinstance(event, RunFailed):
            say(f"xaitui: {event.message}")

    def end(self) -> None:
        """Say where the run was."""
        say(f"run {self._run.path}")


class LineReporter:
    """A line for each event that people care about."""

    def __init__(self) -> None:
        self._epochs = 0

    def say(self, text: str) -> None:
        """Words go to stderr."""
        say(text)

    def begin(self, run: RunDirectory) -> None:
        """Say where the run is."""
        self._run = run
        put(f"{RUN_LINE}{shlex.quote(str(run.path))}")

    def show(self, event: Event) -> None:
        """Write the lines of an event, if it has any."""
        if isinstance(event, RunStarted | RunResumed | EpochStarted):
            self._epochs = event.epochs
        for line in describe(event, self._epochs):
            say(line) if isinstance(event, RunFailed) else put(line)

    def end(self) -> None:
        """Say how to look at the run again, and where it is."""
        put(f"look   xaitui runs show {quoted(self._run.path)}")
        put(f"{RUN_LINE}{shlex.quote(str(self._run.path))}")


class TerminalReporter(LineReporter):
    """The same lines above a live bar of the epoch."""

    def __init__(self, bar: LiveBar) -> None:
        super().__init__()
        self._bar = bar

    def say(self, text: str) -> None:
        """Words stand above the bar."""
        self._bar.print(text)

    def show(self, event: Event) -> None:
        """Write lines above the bar, and move it."""
        if isinstance(event, RunStarted | RunResumed | EpochStarted):
            self._epochs = event.epochs
        for line in describe(event, self._epochs):
            self._bar.print(line)
        self._bar.move(event)


class LiveBar:
    """A rich progress bar of one epoch: step, loss, speed, time left, device memory."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._console = Console(file=sys.stdout, highlight=False)
        self.progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TextColumn("{task.fields[words]}", markup=False),
            TimeRemainingColumn(compact=True),
            console=self._console,
            transient=True,
            expand=True,
            refresh_per_second=4,
        )
        self._task = self.progress.add_task("", total=1, visible=False, words="")
        self._steps = 1

    def print(self, text: str) -> None:
        """A line above the bar."""
        self._console.print(text, markup=False, soft_wrap=True)

    def move(self, event: Event) -> None:
        """Show where the epoch is."""
        match event:
            case RunStarted():
                self._steps = event.steps_per_epoch
            case EpochStarted():
                name = f"epoch {event.epoch}/{event.epochs}"
                self.progress.reset(self._task, total=self._steps, description=name, visible=True, words="")
            case StepLogged():
                done = (event.step - 1) % self._steps + 1
                memory = f" {format_size(event.memory)}" if event.memory else ""
                words = f"loss {event.loss:.4f} {event.images_per_second:,.0f} img/s{memory}"
                self.progress.update(self._task, completed=done, words=words)
            case RunFinished() | RunStopped() | RunFailed():
                self.progress.update(self._task, visible=False)


@contextlib.contextmanager
def open_reporter(*, as_json: bool) -> Iterator[Reporter]:
    """The reporter that suits where the output goes."""
    if as_json:
        yield JsonReporter()
    elif sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        bar = LiveBar()
        with bar.progress:
            yield TerminalReporter(bar)
    else:
        yield LineReporter()
