"""Who may look at the phases of a training step; most of the time nobody does, and it costs nothing."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext

from xaitui.events import Event

_NOTHING = nullcontext()


class Observer:
    """Told of what a step does. This one does not look."""

    def phase(self, name: str) -> AbstractContextManager[object]:
        """The context of a part of a step: "data", "augmentation", "forward", "backward", "optimizer" or "logging"."""
        return _NOTHING

    def step_done(self, epoch: int, step: int, images: int) -> Iterable[Event]:
        """Called after each optimizer step, with its numbers and its images; gives events of the run."""
        return ()
