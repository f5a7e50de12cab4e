"""Open the console from a command; imports nothing heavy, because the first frame waits for it."""

from __future__ import annotations

import os
import sys
from contextvars import ContextVar

from xaitui.console_options import ConsoleOptions, First, OpenConsole
from xaitui.errors import UsageError

CONSOLE: ContextVar[OpenConsole] = ContextVar("console")
"""What opens it: handed in from outside, for the command line does not know the console."""


def no_console(options: ConsoleOptions, first: First) -> int:
    """Stand for a console where there is none.

    Raises:
        UsageError: always.
    """
    raise UsageError("there is no console here; without it: xaitui train --headless")


def has_terminal() -> bool:
    """Whether the console can be shown: it reads stdin and is drawn to stderr."""
    return sys.stdin.isatty() and sys.stderr.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def open_console(options: ConsoleOptions, first: First = lambda console: None) -> int:
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
