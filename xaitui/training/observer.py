"""Observer of the phases of a training step; the default one does nothing and costs nothing."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext

from xaitui.events import Event

_NOTHING = nullcontext()


class Observer:
    """Receives the phases of each step. This base class ignores them."""

    def phase(self, name: str) -> AbstractContextManager[object]:
        """Return the context of a phase: "data", "augmentation", "forward", "backward", "optimizer" or "logging"."""
        return _NOTHING

    def step_done(self, epoch: int, step: int, images: int) -> Iterable[Event]:
        """Handle the end of an optimizer step of so many images; returns events of the run."""
        return ()
