"""The console as it is, started with the arguments of `xaitui`, which also notes when it did what.

The first argument is a file. A line is added to it when a key's action begins, when it is done, and for each drawing
that a plot takes up: what, the time of `time.monotonic`, and of the event loop's thread so far the processor time and
the time that it was ready to run but had no core (0 where the system does not say), which tells a busy machine from a
slow console.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, TextIO

from xaitui.__main__ import open_console
from xaitui.cli.app import run
from xaitui.plotting.figure import Drawing
from xaitui.tui import app, terminal
from xaitui.tui.widgets.plot import Plot

WAITED = Path("/proc/thread-self/schedstat")
"""Of Linux: nanoseconds that the thread ran, and that it was ready and did not."""


class Notes:
    """The file, and what is noted in it."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def take(self, what: str) -> None:
        """Note that something is done."""
        self._file.write(f"{what}\t{time.monotonic()}\t{time.thread_time()}\t{_waited()}\n")


def _waited() -> float:
    return int(WAITED.read_text().split()[1]) / 1e9 if WAITED.exists() else 0.0


def noted(notes: Notes) -> type[app.ConsoleApp]:
    """The console's class, with notes of what its keys do; its plots are made to note what they show."""

    class Noted(app.ConsoleApp):
        async def run_action(self, *args: Any, **kwargs: Any) -> bool:
            """Carry out what a key asks for, and note when that begins and when it is done."""
            notes.take("begin")
            done = await super().run_action(*args, **kwargs)
            notes.take("key")
            return done

    put = Plot._put

    def put_and_note(plot: Plot, rows: Drawing) -> None:
        put(plot, rows)
        notes.take(f"plot {plot.id}")

    Plot._put = put_and_note  # type: ignore[assignment,method-assign]
    return Noted


def main() -> None:
    """Open the console."""
    with Path(sys.argv[1]).open("w", buffering=1) as file:
        terminal.Console = noted(Notes(file))  # type: ignore[attr-defined]
        code = run(sys.argv[2:], open_console)
    sys.exit(code)


if __name__ == "__main__":
    main()
