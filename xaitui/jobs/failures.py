"""Kinds of failure: errors of torch and the system become an exit code and one line that says what to do."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from xaitui.errors import OutOfMemoryError, XaituiError
from xaitui.system.atomic_files import trouble_of
from xaitui.text import quoted
from xaitui.training.memory import MEMORY_ADVICE, is_out_of_memory


def failure_of(error: Exception, path: Path, then: str = "") -> XaituiError:
    """Say what an error means to a user.

    Args:
        path: the run, or what else was being read or written.
        then: a command that goes on where a disk failed, once it is mended.
    """
    match error:
        case XaituiError():
            return error
        case _ if is_out_of_memory(error):
            return OutOfMemoryError(MEMORY_ADVICE)
        case OSError():
            return XaituiError(trouble_of(error, path, then))
        case _:
            first = str(error).strip().split("\n", maxsplit=1)[0]
            return XaituiError(f"{type(error).__name__}: {first}")


def failure_of_run(error: Exception, run: Path) -> XaituiError:
    """Say what an error means to who trains a run; it can be resumed unless its directory is gone."""
    return failure_of(error, run, f"xaitui resume {quoted(run)}" if os.access(run, os.F_OK) else "")


@contextlib.contextmanager
def disk_of(run: Path) -> Iterator[None]:
    """Turn what a disk refuses into the kind of error that has a line for a user.

    Raises:
        XaituiError: the disk failed.
    """
    try:
        yield
    except OSError as error:
        raise failure_of_run(error, run) from error
