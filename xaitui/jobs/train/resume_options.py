"""Options for resuming a run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ResumeOptions:
    """Options of a resume; none of them changes what the run computes."""

    extend: int = 0
    """Epochs to add to the run."""
    take_over: bool = False
    """Whether to ignore an owner on another machine."""
    trust_model: bool = False
    """Whether code in the run directory may be executed."""
    device: str = ""
    """Device to use instead of the run's own."""
    accept_changed: bool = False
    """Whether to accept data that differ from the run's."""
    max_time: float = 0.0
    """A time limit for this process, in seconds; 0 is none."""
