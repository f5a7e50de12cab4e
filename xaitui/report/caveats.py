"""Caveats: the ways in which a run was cut short, listed on top of a report and in its figures."""

from __future__ import annotations

from collections.abc import Sequence

from xaitui.runs.listing.comparison import Comparison
from xaitui.runs.listing.run_list import RunRow
from xaitui.runs.listing.settings import read_settings
from xaitui.runs.state import State

FEW_EPOCHS = 5
"""Up to so many are said."""


def cuts_of(row: RunRow) -> str:
    """What was cut of a run, in words; empty where nothing was."""
    fraction = read_settings(row.run).get("data.fraction", 1.0)
    words = []
    if isinstance(fraction, float | int) and fraction < 1:
        words.append(f"{100 * fraction:.3g} % of the training images")
    if 0 < row.epochs <= FEW_EPOCHS:
        words.append(f"{row.epochs} epoch{'s' * (row.epochs > 1)}")
    return ", ".join(words)


def common_note(rows: Sequence[RunRow]) -> str:
    """What was cut, for a figure of several runs."""
    cuts = dict.fromkeys(map(cuts_of, rows))
    return next(iter(cuts)) if len(cuts) == 1 else "of some runs less than the whole was used" if any(cuts) else ""


def warnings_of(comparison: Comparison, labels: Sequence[str]) -> list[str]:
    """What a reader must know first."""
    by_cut: dict[str, list[str]] = {}
    for label, row in zip(labels, comparison.runs, strict=True):
        if cut := cuts_of(row):
            by_cut.setdefault(f"Only {cut}", []).append(label)
        if row.state is not State.FINISHED:
            by_cut.setdefault(f"The run is not complete ({row.state}{f': {row.why}' * bool(row.why)})", []).append(
                label
            )
    every = len(labels)
    lines = [text + ("" if len(runs) == every else f": {', '.join(runs)}") for text, runs in by_cut.items()]
    return [*lines, *comparison.troubles]
