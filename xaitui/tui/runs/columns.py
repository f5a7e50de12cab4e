"""The columns of the list of runs: what each shows of a run, and which of them a width has room for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from xaitui.metrics.format import score_text
from xaitui.text import last_part, printable

if TYPE_CHECKING:
    from xaitui.runs.listing.run_list import RunRow

SYMBOLS: dict[str, tuple[str, str, str]] = {
    "running": ("●", "*", "good"),
    "paused": ("◐", "~", "warning"),
    "elsewhere": ("○", "o", "good"),
    "finished": ("✓", "+", ""),
    "stopped": ("■", "#", "warning"),
    "failed": ("✗", "x", "bad"),
    "interrupted": ("◌", "!", "warning"),
    "broken": ("?", "?", "bad"),
}
"""Of each state a symbol, the same in ASCII, and its tone: colour says nothing that symbol and word do not say."""


@dataclass(frozen=True)
class Column:
    """A column: its name is what the list can be sorted by."""

    name: str
    title: str
    width: int
    """In cells; the column of the run takes what the others leave."""
    text: Callable[[RunRow], str]
    to_the_right: bool = False
    needs: int = 0
    """How many cells the column of the run must keep for this one to be shown; 0 where it always is."""


def _best(row: RunRow) -> str:
    return f"{score_text(row.best)}@{row.best_epoch}" if row.best_epoch else ""


def _test(row: RunRow) -> str:
    return score_text(row.test.get(row.monitor, math.nan), undefined="")


def _duration(seconds: float) -> str:
    from xaitui.config.units import format_duration

    return format_duration(seconds) if seconds > 0 else ""


COLUMNS: tuple[Column, ...] = (
    Column("state", "STATE", 13, lambda row: row.state),
    Column("run", "RUN", 0, lambda row: row.id),
    Column("dataset", "DATA", 14, lambda row: last_part(row.dataset), needs=36),
    Column("model", "MODEL", 16, lambda row: last_part(row.model), needs=36),
    Column("epoch", "EPOCH", 8, lambda row: f"{row.epoch}/{row.epochs}" if row.epochs else "", to_the_right=True),
    Column("best", "BEST VAL", 11, _best, to_the_right=True),
    Column("test", "TEST", 6, _test, to_the_right=True, needs=24),
    Column("time", "TIME", 6, lambda row: _duration(row.seconds), to_the_right=True, needs=36),
    Column("eta", "ETA", 6, lambda row: "" if math.isnan(row.eta) else _duration(row.eta), to_the_right=True, needs=24),
    Column("device", "DEVICE", 16, lambda row: row.device, needs=38),
)

_KEPT_LONGEST = ("test", "eta", "dataset", "model", "time", "device")
MARK_WIDTH = 2
GAP = 1


def columns_for(width: int) -> list[tuple[Column, int]]:
    """The columns that `width` cells have room for, and how wide each is; what can be done without goes first."""
    shown = [column for column in COLUMNS if not column.needs]
    for column in sorted((each for each in COLUMNS if each.needs), key=lambda each: _KEPT_LONGEST.index(each.name)):
        if _rest(width, [*shown, column]) >= column.needs:
            shown.append(column)
    rest = max(4, _rest(width, shown))
    return [(column, column.width or rest) for column in COLUMNS if column in shown]


def _rest(width: int, columns: list[Column]) -> int:
    return width - MARK_WIDTH - sum(column.width + GAP for column in columns) + GAP


def fit(text: str, width: int, *, to_the_right: bool = False, keep_end: bool = False, dots: str = "…") -> str:
    """Text in exactly `width` cells; of one that is too long the beginning is kept, or its end."""
    text = printable(text)
    length = cell_len(text)
    if length <= width:
        return " " * (width - length) + text if to_the_right else text + " " * (width - length)
    room = max(0, width - len(dots))
    if not keep_end:
        return set_cell_size(text, room) + dots[:width]
    while cell_len(text) > room:
        text = text[1:]
    return set_cell_size(dots[:width] + text, width)
