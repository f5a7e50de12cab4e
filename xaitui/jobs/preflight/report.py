"""The preflight report of a run, as a record and as lines of text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from xaitui.config.units import format_duration, format_size
from xaitui.text import printable

WIDTH = 78
"""Columns of a line, two of which are left for the mark of a comment."""
_INDENT = 8


@dataclass(frozen=True)
class Preflight:
    """What a few real steps tell of a run."""

    device: str
    """Its name."""
    batch_size: int
    """What was measured with: that of the configuration, or what was found for ``auto``."""
    computed_at_once: int
    """Images of a step that were computed at once: fewer than the batch where that does not fit."""
    precision: str
    epochs: int
    train_images: int
    val_images: int
    test_images: int
    training_speed: float
    """Images a second."""
    evaluation_speed: float
    """Images a second."""
    peak_memory: int
    """Bytes."""
    memory_kind: str
    """What the peak is of: device memory, or the process."""
    available_memory: int
    """Bytes that the process could have, with those that it has."""
    largest_batch: int
    """Images that fit, with a tenth of the memory in reserve; never more than an epoch has."""
    largest_is_tried: bool
    """Whether a step with so many was done; otherwise it is estimated."""
    epoch_seconds: float = 0.0
    """Training and validation; follows from the numbers above."""
    run_seconds: float = 0.0
    """All epochs, and the reading of validation and test with the best weights at the end; follows too."""
    notes: tuple[str, ...] = ()
    """What else a user must know: the device and why, what was chosen and why."""

    def __post_init__(self) -> None:
        """Add up the times."""
        validation = self.val_images / self.evaluation_speed
        epoch = self.train_images / self.training_speed + validation
        object.__setattr__(self, "epoch_seconds", epoch)
        object.__setattr__(
            self, "run_seconds", self.epochs * epoch + validation + self.test_images / self.evaluation_speed
        )

    @staticmethod
    def from_record(record: Mapping[str, Any]) -> Preflight:
        """Read what `dataclasses.asdict` made.

        Raises:
            KeyError: something is missing.
        """
        values = {item.name: record[item.name] for item in fields(Preflight)}
        return Preflight(**{**values, "notes": tuple(values["notes"])})

    # -- for people

    @property
    def speed_text(self) -> str:
        """Images a second."""
        return f"{_number(self.training_speed)} images/s in training, {_number(self.evaluation_speed)} in evaluation"

    @property
    def time_text(self) -> str:
        """How long it takes."""
        epoch, run = format_duration(self.epoch_seconds), format_duration(self.run_seconds)
        return f"{epoch} an epoch, {run} for {self.epochs:,} epoch{'s' if self.epochs > 1 else ''} and the test"

    @property
    def memory_text(self) -> str:
        """What it takes of what there is."""
        return (
            f"{format_size(self.peak_memory)} at the peak ({self.memory_kind}) of {format_size(self.available_memory)}"
        )

    @property
    def batch_text(self) -> str:
        """What fits."""
        how = "tried" if self.largest_is_tried else "estimated"
        every = ", all images of an epoch" if self.largest_batch >= self.train_images else ""
        return f"{self.batch_size:,} images; up to {self.largest_batch:,} fit ({how}{every})"

    @property
    def short_text(self) -> str:
        """Two lines for a screen."""
        how = "tried" if self.largest_is_tried else "estimated"
        peak, available = format_size(self.peak_memory), format_size(self.available_memory)
        return (
            f"{_number(self.training_speed)} images/s; {self.time_text}\n"
            f"memory {peak} of {available}; a batch of {self.batch_size:,}, up to {self.largest_batch:,} fit ({how})"
        )

    def lines(self) -> Iterator[str]:
        """A few lines of at most `WIDTH` columns."""
        yield from _wrapped("device", f"{printable(self.device)}, {self.precision}, a few real steps and batches")
        yield from _wrapped("speed", self.speed_text)
        yield from _wrapped("time", self.time_text)
        yield from _wrapped("memory", self.memory_text)
        yield from _wrapped("batch", self.batch_text)
        for note in self.notes:
            yield from _wrapped("note", printable(note))


def _wrapped(label: str, text: str) -> list[str]:
    return textwrap.wrap(f"{label:<{_INDENT}}{text}", WIDTH, subsequent_indent=" " * _INDENT, drop_whitespace=True)


def _number(speed: float) -> str:
    """Three digits that mean something, and what they stand for."""
    return f"{speed:,.0f}" if speed >= 100 else f"{speed:.3g}"
