"""The ways a command can fail; each kind owns one documented exit code, and says what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's exit status means; part of the public interface."""

    FINISHED = 0
    """The run ended by itself; early stopping is an end like any other."""
    FAILED = 1
    """Something broke that none of the codes below names."""
    USAGE = 2
    """An option, a configuration key or a value is wrong; nothing was started."""
    DATA = 3
    """A data file is missing, corrupt, or holds what its task cannot use."""
    OUT_OF_MEMORY = 4
    """The model and a batch do not fit in the memory of the device."""
    DIVERGED = 5
    """The loss became NaN or infinite; the last good checkpoint is kept."""
    TRIALS_FAILED = 6
    """Some trials of a study failed; the others are done."""
    REQUEUE = 75
    """Saved exactly because the time was up (--max-time, SIGUSR1): submit `xaitui resume` again."""
    INTERRUPTED = 130
    """SIGINT: the step was finished and saved."""
    TERMINATED = 143
    """SIGTERM: the step was finished and saved."""


class XaituiError(Exception):
    """An error whose message, one line, tells a user what is wrong and what to do."""

    exit_code = ExitCode.FAILED


class UsageError(XaituiError):
    """A wrong option, configuration key, value or name."""

    exit_code = ExitCode.USAGE


class DataError(XaituiError):
    """A missing, corrupt or unusable data file."""

    exit_code = ExitCode.DATA


class OutOfMemoryError(XaituiError):
    """Not enough memory on the device."""

    exit_code = ExitCode.OUT_OF_MEMORY


class DivergedError(XaituiError):
    """The loss or the weights are no longer finite."""

    exit_code = ExitCode.DIVERGED

    def __init__(self, message: str, step: int = 0, what: str = "") -> None:
        """Name the optimizer step whose batch did it, and what is not finite, where that is known."""
        super().__init__(message)
        self.step = step
        self.what = what


LISTED = 20
"""The most names that a message lists."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Say which known word was probably meant: ``"; did you mean 'adam'?"``, or list them if they are few."""
    words = list(known)
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; choose one of {', '.join(words)}" if 0 < len(words) <= LISTED else ""
