"""`xaitui`, and the commands that open the console on something."""

from __future__ import annotations

import os
import sys
from contextvars import ContextVar
from typing import Annotated

import typer

from xaitui.cli.places import RunsDir, runs_folder
from xaitui.errors import UsageError, nearest
from xaitui.opening import ConsoleOptions, First, OpenConsole

CONSOLE: ContextVar[OpenConsole] = ContextVar("console")
"""What opens it: handed in from outside, for the command line does not know the console."""


def no_console(options: ConsoleOptions, first: First) -> int:
    """Stand for a console where there is none.

    Raises:
        UsageError: always.
    """
    raise UsageError("there is no console here; without it: xaitui train --headless")


THEMES = ("dark", "light", "contrast")


def command(
    runs_dir: RunsDir = None,
    readonly: Annotated[bool, typer.Option("--readonly", help="Only look: refuse whatever changes something.")] = False,
    ascii_only: Annotated[bool, typer.Option("--ascii", help="Draw with ASCII characters only.")] = False,
    theme: Annotated[str, typer.Option("--theme", help=f"One of {', '.join(THEMES)}.", show_default=False)] = "",
    interval: Annotated[
        float, typer.Option("--interval", help="Seconds between two looks at the runs.", min=0.2, max=60)
    ] = 1.0,
) -> int:
    """Open the console: choose, train, watch, leave, come back."""
    if theme and theme not in THEMES:
        raise UsageError(f"--theme cannot be {theme!r}{nearest(theme, THEMES)}")
    options = ConsoleOptions(runs_folder(runs_dir), readonly=readonly, ascii=ascii_only, interval=interval, theme=theme)
    return open_console(options, lambda console: None)


def has_terminal() -> bool:
    """Whether the console can be shown: it reads stdin and is drawn to stderr."""
    return sys.stdin.isatty() and sys.stderr.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def open_console(options: ConsoleOptions, first: First) -> int:
    """Open the console and return its exit code when it is left.

    Raises:
        UsageError: there is no terminal for it.
    """
    if not has_terminal():
        raise UsageError(
            "the console needs a terminal, for input and for stderr, and a TERM that is not dumb; without one: "
            "xaitui train --headless, xaitui runs ls, xaitui attach --plain"
        )
    return CONSOLE.get()(options, first)
