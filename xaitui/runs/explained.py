"""What a request to explain gave: a set of maps, and which of them were asked for."""

from __future__ import annotations

from dataclasses import dataclass

from xaitui.runs.explanations import ExplanationSet, Sample


@dataclass(frozen=True)
class Explained:
    """The rows of a set that were asked for, with the names of the classes."""

    found: ExplanationSet
    rows: tuple[int, ...]
    classes: tuple[str, ...]

    @property
    def samples(self) -> tuple[Sample, ...]:
        """Those that were asked for, in that order."""
        return tuple(self.found.samples[row] for row in self.rows)
