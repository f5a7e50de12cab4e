"""Progress of a download on stderr: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

from xaitui.cli.output.streams import say
from xaitui.config.units import format_size

_STEPS = 10
_LEAST = 16 << 20
"""A line is written after each tenth of a file, but not for fewer bytes than these."""


@contextlib.contextmanager
def transfer_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show the progress of `what` ("fetching x.npz") while the block calls what it is given with (done, total)."""
    if not sys.stderr.isatty():
        yield _lines(what)
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=None)

        def show(done: int, total: int) -> None:
            if done < progress.tasks[0].completed:  # the second reading of a file is the one that hashes it
                progress.reset(task, description=f"verifying{what[what.find(' ') :]}")
            progress.update(task, completed=done, total=total or None)

        yield show


def _lines(what: str) -> Callable[[int, int], None]:
    say(what)
    told = 0

    def show(done: int, total: int) -> None:
        nonlocal told
        told = min(told, done)
        if done - told >= max(_LEAST, total // _STEPS):
            told = done
            say(f"{what}: {format_size(done)}" + (f" of {format_size(total)}" if total else ""))

    return show
