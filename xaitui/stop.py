"""Requests to stop or pause a run, from a signal handler, another thread or another process."""

from __future__ import annotations

import time
from dataclasses import dataclass

from xaitui.errors import ExitCode, XaituiError

PAUSE_SECONDS = 0.05
"""Between two looks of who waits."""


class Flag:
    """What `threading.Event` is to threads, to signal handlers too: one that runs in the middle of a wait can set it.

    Of an Event it could not: the lock that the wait has at that moment is the one that setting it waits for.
    """

    def __init__(self) -> None:
        self._is_set = False

    def set(self) -> None:
        """Raise it, for good."""
        self._is_set = True

    def is_set(self) -> bool:
        """Whether it is raised."""
        return self._is_set

    def wait(self, seconds: float) -> bool:
        """Wait until it is raised, or for about so many seconds; say whether it is."""
        end = time.monotonic() + seconds
        while not self._is_set and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, PAUSE_SECONDS))
        return self._is_set


@dataclass(frozen=True)
class StopReason:
    """Why a run is to stop, and how it ends then."""

    text: str
    exit_code: ExitCode
    after_epoch: bool = False
    """Whether the epoch is finished first, and not only the step."""
    test: bool = False
    """Whether the best weights so far are tested before the end."""
    hand_over: bool = False
    """Whether another process is started to go on."""


class StoppedError(XaituiError):
    """A stop that came before there was a run to be saved."""

    def __init__(self, reason: StopReason) -> None:
        super().__init__(f"stopped by {reason.text} before the first step; there is nothing to resume")
        self.exit_code = reason.exit_code


class Stop:
    """A request that the trainer looks at after each step; it may come from any thread or a signal handler."""

    def __init__(self) -> None:
        self.event = Flag()
        """Set as soon as anything was asked."""
        self._reason: StopReason | None = None
        self._part: Stop | None = None
        self.paused = False
        """Whether the trainer is to wait. A plain flag that is polled: setting it is safe in a signal handler too."""

    def ask(self, reason: StopReason) -> None:
        """Ask; an earlier request to stop at once stands."""
        if self._reason is None or self._reason.after_epoch:
            self._reason = reason
        self.event.set()
        if self._part is not None:
            self._part.ask(reason)

    def part(self) -> Stop:
        """A request for a part of the work, the next run of several: what is asked of the whole is asked of it too.

        The part before is left alone from then on.
        """
        part = Stop()
        self._part = part
        if self._reason is not None:
            part.ask(self._reason)
        return part

    def wait_while_paused(self) -> None:
        """Return when the pause is over, or when a stop is asked for; one of those two ends every pause."""
        while self.paused and self._reason is None:
            time.sleep(PAUSE_SECONDS)
        self.paused = self.paused and self.hands_over

    @property
    def now(self) -> StopReason | None:
        """The reason to stop after this step."""
        return None if self._reason is None or self._reason.after_epoch else self._reason

    @property
    def hands_over(self) -> bool:
        """Whether another process is to go on; what is asked from now on is for that one."""
        return self._reason is not None and self._reason.hand_over

    @property
    def after_epoch(self) -> StopReason | None:
        """The reason to stop at the end of this epoch or before."""
        return self._reason
