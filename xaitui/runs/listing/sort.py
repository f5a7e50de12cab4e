"""The orders and groups that a list of runs can be in."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from xaitui.errors import UsageError, nearest
from xaitui.runs.listing.run_list import RunRow

Key = Callable[[RunRow], float | str]


def _upside(row: RunRow, value: float) -> float:
    """The value, turned so that more of it is better."""
    return -value if row.mode == "min" else value


SORTS: dict[str, tuple[Key, bool]] = {
    "began": (lambda row: row.began or math.nan, True),
    "run": (lambda row: row.id, False),
    "state": (lambda row: row.state, False),
    "dataset": (lambda row: row.dataset, False),
    "model": (lambda row: row.model, False),
    "epoch": (lambda row: row.epoch or math.nan, True),
    "best": (lambda row: _upside(row, row.best), True),
    "test": (lambda row: _upside(row, row.test.get(row.monitor, math.nan)), True),
    "time": (lambda row: row.seconds or math.nan, True),
    "eta": (lambda row: row.eta, False),
    "device": (lambda row: row.device, False),
}
"""What can be sorted by, and whether the largest stands first as long as nobody turns it round."""

GROUPS: dict[str, Callable[[RunRow], str]] = {
    "dataset": lambda row: row.dataset,
    "model": lambda row: row.model,
    "state": lambda row: row.state,
}


def sort_rows(rows: Iterable[RunRow], by: str = "began", *, turned: bool = False) -> list[RunRow]:
    """Sort runs; where a run has no value it stands last. By the time they began, live runs come first.

    Raises:
        UsageError: there is no such order.
    """
    if by not in SORTS:
        raise UsageError(f"runs cannot be sorted by {by!r}{nearest(by, SORTS)}")
    key, falling = SORTS[by]
    newest = sorted(rows, key=lambda row: row.id, reverse=True)
    known = sorted((row for row in newest if not _is_missing(key(row))), key=key, reverse=falling != turned)
    ordered = known + [row for row in newest if _is_missing(key(row))]
    return sorted(ordered, key=lambda row: not row.state.is_live) if by == "began" else ordered


def _is_missing(value: float | str) -> bool:
    return value == "" if isinstance(value, str) else math.isnan(value)


def group_rows(rows: Sequence[RunRow], by: str) -> list[tuple[str, list[RunRow]]]:
    """Put runs together that have something in common, in the order in which they stand."""
    key = GROUPS[by]
    return [(name, list(group)) for name, group in groupby(sorted(rows, key=key), key)]
