"""From what torch and the system raise to a kind of error with an exit code and a line that says what to do."""

from __future__ import annotations

import errno
from pathlib import Path

from xaitui.errors import OutOfMemoryError, XaituiError
from xaitui.training.memory import MEMORY_ADVICE, is_out_of_memory


def failure_of(error: Exception, path: Path) -> XaituiError:
    """Say what an error means to a user.

    Args:
        path: the run, or what else was being read or written.
    """
    match error:
        case XaituiError():
            return error
        case _ if is_out_of_memory(error):
            return OutOfMemoryError(MEMORY_ADVICE)
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return XaituiError(f"the disk is full; free some space, then: xaitui resume {path}")
        case OSError():
            return XaituiError(f"{error.filename or path}: {error.strerror or error}")
        case _:
            first = str(error).strip().split("\n", maxsplit=1)[0]
            return XaituiError(f"{type(error).__name__}: {first}")
