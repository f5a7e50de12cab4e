"""metrics.csv: one row per epoch, for spreadsheets; derived from the journal and never read back."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

from xaitui.catalog.metrics import METRICS
from xaitui.events import EpochFinished, Event, Note
from xaitui.runs.journal.journal import read_journal
from xaitui.system.atomic_files import trouble_of, write_atomic
from xaitui.system.fault_points import Point, point

COLUMNS = (
    "epoch",
    "step",
    "train_loss",
    "train_accuracy",
    *(f"val_{name}" for name in METRICS),
    "lr",
    "images_per_second",
    "seconds",
    "best_epoch",
    "best",
)


class MetricsTable:
    """The table of a running run; failing to write it does not end the run, because the journal contains all of it."""

    def __init__(self, path: Path, journal: Path) -> None:
        self._path = path
        self._journal = journal
        self._is_whole = False
        """Whether the file has all rows so far."""
        self._is_told = False

    def write(self) -> Iterator[Note]:
        """Rewrite the table from the journal; yields a note the first time that this fails."""
        try:
            write_metrics(self._path, read_journal(self._journal))
            self._is_whole = True
        except OSError as error:
            yield from self._miss(error)

    def add(self, event: EpochFinished) -> Iterator[Note]:
        """Append the row of an epoch that is in the journal, or all rows if an earlier one is missing."""
        if not self._is_whole:
            yield from self.write()
            return
        try:
            append_metrics(self._path, event)
        except OSError as error:
            yield from self._miss(error)

    def complete(self) -> Iterator[Note]:
        """Try once more at the end of the run if a row is missing."""
        if not self._is_whole:
            yield from self.write()

    def _miss(self, error: OSError) -> Iterator[Note]:
        self._is_whole = False
        if not self._is_told:
            self._is_told = True
            yield Note(message=f"the table of epochs is not written: {trouble_of(error, self._path)}")


def write_metrics(path: Path, events: Iterable[Event]) -> None:
    """Write the whole table from folded events."""
    write_atomic(
        path, _lines([COLUMNS, *(_row(event) for event in events if isinstance(event, EpochFinished))]), grows=True
    )


def append_metrics(path: Path, event: EpochFinished) -> None:
    """Append the row of one epoch."""
    point(Point.ROW_BEGUN, path.name)
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write(_lines([_row(event)]))
    point(Point.ROW_WRITTEN, path.name)


def _row(event: EpochFinished) -> list[str]:
    values = {f"val_{name}": value for name, value in event.val.items()}
    cells = [values.get(name, getattr(event, name, math.nan)) for name in COLUMNS]
    return [_cell(cell) for cell in cells]


def _cell(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    return f"{value:.8g}" if math.isfinite(value) else ""


def _lines(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
