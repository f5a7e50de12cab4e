"""What may be asked of a run that is taken up again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ResumeOptions:
    """Options of a resume; none of them changes what the run computes."""

    extend: int = 0
    """Epochs to add to what the run has."""
    take_over: bool = False
    """Whether a lock of another machine is broken."""
    trust_model: bool = False
    """Whether code that lies in the run directory may be run."""
    device: str = ""
    """Another device than the run's own choice."""
    accept_changed: bool = False
    """Whether data that differ from the run's are accepted."""
    max_time: float = 0.0
    """A time limit for this process, in seconds; 0 is none."""
