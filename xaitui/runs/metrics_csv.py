"""metrics.csv: one row an epoch, for people with a spreadsheet; a view of the journal, never read back."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from pathlib import Path

from xaitui.catalog.metrics import METRICS
from xaitui.events import EpochFinished, Event
from xaitui.faults import Point, point
from xaitui.files import write_atomic

COLUMNS = (
    "epoch", "step", "train_loss", "train_accuracy", *(f"val_{name}" for name in METRICS), "lr", "images_per_second",
    "seconds", "best_epoch", "best",
)  # fmt: skip


def write_metrics(path: Path, events: Iterable[Event]) -> None:
    """Write the whole table anew from folded events."""
    write_atomic(path, _lines([COLUMNS, *(_row(event) for event in events if isinstance(event, EpochFinished))]))


def append_metrics(path: Path, event: EpochFinished) -> None:
    """Add the row of one epoch."""
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
