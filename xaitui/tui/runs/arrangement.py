"""Arrangement of the list of runs: filtered, sorted and grouped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xaitui.tui.runs.table import Heading
from xaitui.tui.threads import in_slices

if TYPE_CHECKING:
    from xaitui.runs.listing.filter import Filter
    from xaitui.runs.listing.run_list import RunList, RunRow

UNSORTED = "began"
GROUPINGS = ("", "dataset", "model", "state")


class RunView:
    """A filter, an order and a grouping, and what they make of a list."""

    def __init__(self) -> None:
        self.filter: Filter | None = None
        self.order = (UNSORTED, False)
        """What is sorted by, and whether that is turned round."""
        self.grouping = ""

    def sort_by_next(self, columns: Sequence[str]) -> None:
        """Sort by the column after the present one; after the last one, as at the start."""
        names = [UNSORTED, *columns]
        at = names.index(self.order[0]) if self.order[0] in names else -1
        self.order = (names[(at + 1) % len(names)], False)

    def reverse(self) -> None:
        """Turn the order round."""
        self.order = (self.order[0], not self.order[1])

    def group_by_next(self) -> None:
        """Group by the next thing that runs have in common."""
        self.grouping = GROUPINGS[(GROUPINGS.index(self.grouping) + 1) % len(GROUPINGS)]

    async def arrange(self, runs: RunList) -> list[RunRow | Heading]:
        """The lines to show: runs, and the headings of groups."""
        from xaitui.runs.listing.sort import group_rows, sort_rows

        passes = self.filter
        rows = [row async for row in in_slices(runs.rows) if passes is None or passes.matches(row, runs)]
        rows = sort_rows(rows, self.order[0], turned=self.order[1])
        if not self.grouping:
            return list(rows)
        groups = group_rows(rows, self.grouping)
        lines: list[RunRow | Heading] = []
        for name, group in groups:
            lines += [_heading(name, group), *group]
        return lines

    def describe(self, shown: int, runs: RunList) -> str:
        """What is seen, in words."""
        total = len(runs.rows)
        live = sum(row.state.is_live for row in runs.rows)
        is_filtered = self.filter is not None and self.filter.tests
        name, is_turned = self.order
        words = [
            f"{shown:,} of {total:,} runs" if is_filtered else f"{total:,} run{'s' * (total != 1)}",
            f"{live} live" if live else "",
            f"by {name}{', reversed' * is_turned}" if self.order != (UNSORTED, False) else "",
            f"grouped by {self.grouping}" if self.grouping else "",
        ]
        return ", ".join(filter(None, words))


def _heading(name: str, group: Sequence[RunRow]) -> Heading:
    ids = tuple(row.id for row in group)
    return Heading(name, f"{name or '-'} ({len(ids)})", ids)
