"""Objectives of a study: a validation metric or a cost of the model, never the test split."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from xaitui.catalog.metrics import METRICS
from xaitui.errors import UsageError, nearest
from xaitui.runs.listing.run_list import RunList, RunRow

COSTS = ("seconds", "parameters")
"""Objectives that are no score; of them less is better."""


@dataclass(frozen=True)
class Objective:
    """One number of a finished trial."""

    name: str
    """``val_accuracy``, ``seconds``."""
    direction: Literal["min", "max"]

    @property
    def metric(self) -> str:
        """Name in the catalog of metrics; empty for a cost."""
        return "" if self.name in COSTS else self.name.removeprefix("val_")

    @property
    def text(self) -> str:
        """As it is written: ``val_accuracy``, with its direction where that is not the usual one."""
        return self.name if self.direction == _usual(self.name) else f"{self.name}:{self.direction}"

    def value(self, row: RunRow, runs: RunList) -> float:
        """What a trial has of it, at the epoch whose weights it kept; nan where it has none."""
        if self.name == "seconds":
            return row.seconds
        if self.name == "parameters":
            return float(row.parameters) if row.parameters else math.nan
        if not row.best_epoch:
            return math.nan
        return row.best if self.metric == row.monitor else runs.scores(row).get(self.metric, math.nan)

    def better(self, value: float, other: float) -> bool:
        """Whether one value is better than another; nan is better than nothing."""
        if math.isnan(value) or math.isnan(other):
            return not math.isnan(value)
        return value > other if self.direction == "max" else value < other

    def format(self, value: float) -> str:
        """A value as people read it."""
        if math.isnan(value):
            return "-"
        return format(value, METRICS[self.metric].format) if self.metric else f"{value:,.0f}"


def parse_objective(text: str) -> Objective:
    """An objective from ``val_auc``, ``auc``, ``loss:min`` or ``parameters``.

    Raises:
        UsageError: there is no such number, or it is one of the test split.
    """
    name, _, direction = text.strip().partition(":")
    if name.startswith("test"):
        raise UsageError(
            f"{name} cannot be an objective: what is chosen by the test split says nothing of new images; use "
            f"val_{name.removeprefix('test').lstrip('_') or 'accuracy'}"
        )
    known = [*(f"val_{metric}" for metric in METRICS), *COSTS]
    full = name if name in known else f"val_{name}"
    if full not in known:
        raise UsageError(f"there is no objective {name!r}{nearest(name, known)}")
    usual = _usual(full)
    if direction not in ("", "min", "max"):
        raise UsageError(f"an objective is wanted min or max, not {direction!r}")
    return Objective(full, usual if direction == "" else "max" if direction == "max" else "min")


def _usual(name: str) -> Literal["min", "max"]:
    return "min" if name in COSTS else METRICS[name.removeprefix("val_")].direction
