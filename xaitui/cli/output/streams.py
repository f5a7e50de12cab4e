"""stdout and stderr that cannot end a run: one that fails is given up once, and the log says so."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Iterable
from contextvars import ContextVar

from xaitui.errors import XaituiError
from xaitui.system.atomic_files import NO_ROOM
from xaitui.system.safe_stream import SturdyStream

SHOW_TRACEBACK = ContextVar("show_traceback", default=False)
"""Whether the user asked to see where an error comes from."""


def guard_streams() -> None:
    """Make what is printed from here on unable to end the program."""
    _open_standard_descriptors()
    if not isinstance(sys.stdout, SturdyStream):
        sys.stdout = SturdyStream(sys.stdout)
    if not isinstance(sys.stderr, SturdyStream):
        sys.stderr = SturdyStream(sys.stderr)
    # Warnings are for train.log; where no run has one, they must not stand beside the one line of an error.
    logging.captureWarnings(True)
    for name in ("py.warnings", "xaitui"):
        logging.getLogger(name).addHandler(logging.NullHandler())


def _open_standard_descriptors() -> None:
    """Put the null device where a parent closed 0, 1 or 2: the next file opened would get the number, and our words."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115 -- a descriptor, kept open for good
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115


def forget_old_size() -> None:
    """Drop COLUMNS and LINES where the terminal knows its size: they may have been exported before it was resized."""
    try:
        size = os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ else 1)
    except (OSError, ValueError):  # no terminal
        return
    for name, known in (("COLUMNS", size.columns), ("LINES", size.lines)):
        if known:
            os.environ.pop(name, None)


def put(text: str) -> None:
    """A line of data, to stdout."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def put_all(lines: Iterable[str]) -> None:
    """Write lines of data to stdout."""
    for line in lines:
        put(line)


def check_output() -> None:
    """Make sure that a file took what was put. A reader that left has what it wanted, and a terminal that is gone none.

    Raises:
        XaituiError: the disk is full.
    """
    error = sys.stdout.error if isinstance(sys.stdout, SturdyStream) else None
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        raise XaituiError(f"the output is not whole: {NO_ROOM[error.errno]}; free some space")


def say_where(error: BaseException) -> None:
    """Show where an error comes from, if the user asked for it."""
    if SHOW_TRACEBACK.get():
        say("".join(traceback.format_exception(error)))


def say(text: str) -> None:
    """A line of words, to stderr."""
    sys.stderr.write(text.rstrip("\n") + "\n")
    sys.stderr.flush()
