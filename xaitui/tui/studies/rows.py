"""The tables of a study: a row for each trial, or for each setting over its seeds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from xaitui.config.command_line import setting_text
from xaitui.config.schema import FIELDS
from xaitui.config.toml import to_values
from xaitui.config.units import format_duration
from xaitui.metrics.statistics import Spread
from xaitui.studies.objective import Objective
from xaitui.studies.search_points import Point
from xaitui.studies.status import PointStanding, TrialStanding, TrialState
from xaitui.text import printable
from xaitui.tui.runs.columns import SYMBOLS, fit
from xaitui.tui.studies.snapshot import StudyLook

VALUE_WIDTH = 20
"""Cells that the value of a setting takes at most."""

_SYMBOLS = {
    **SYMBOLS,
    "waiting": ("·", ".", ""),
    "pruned": ("◂", "<", "warning"),
    "diverged": SYMBOLS["failed"],
    "out of memory": SYMBOLS["failed"],
}

Layout = Literal["trials", "settings"]


@dataclass(frozen=True)
class Cell:
    """A text, what it is sorted by, and how it is coloured."""

    text: str
    key: Any = ()
    tone: str = ""
    """Name of a tone of the theme."""
    series: int = -1
    """Which of the series' colours it has; -1 for none."""


@dataclass(frozen=True)
class StudyRow:
    """A row: the ids of its trials, and its cells."""

    key: str
    trials: tuple[TrialStanding, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class StudyTableView:
    """What the table shows, and in which order."""

    layout: Layout = "trials"
    column: int = 0
    """The column that it is sorted by; the best value and the smallest number come first."""
    marked: frozenset[str] = frozenset()
    """Ids of trials."""
    ascii_only: bool = False

    def other_layout(self) -> StudyTableView:
        """A row for each setting instead of each trial, or back; sorted by the first column."""
        return replace(self, layout="settings" if self.layout == "trials" else "trials", column=0)

    def columns(self, look: StudyLook) -> tuple[str, ...]:
        """The titles."""
        study = look.standing.study
        settings = tuple(FIELDS[path].option[2:] for path in study.space)
        names = tuple(each.name for each in study.objectives)
        if self.layout == "trials":
            return ("#", "state", *names, *settings, "seed", "epoch", "time")
        return ("#", *names, f"test_{study.tested_metric}", *settings, "runs", "states")

    def rows(self, look: StudyLook) -> list[StudyRow]:
        """The rows, in order."""
        found = self._trials(look) if self.layout == "trials" else self._points(look)
        return sorted(found, key=lambda row: row.cells[self.column].key)

    def _trials(self, look: StudyLook) -> list[StudyRow]:
        base = to_values(look.standing.study.base)
        return [
            StudyRow(each.trial.id, (each,), self._trial(each, number, look, base))
            for number, each in enumerate(look.standing.trials, 1)
        ]

    def _trial(self, each: TrialStanding, number: int, look: StudyLook, base: Point) -> tuple[Cell, ...]:
        study, row = look.standing.study, each.row
        values = (_value(value, goal) for value, goal in zip(each.values, study.objectives, strict=True))
        settings = (self._setting(path, each.trial.point, base) for path in study.space)
        seconds = row.seconds if row is not None else 0.0
        epoch = f"{row.epoch}/{row.epochs}" if row is not None and row.epochs else ""
        return (
            self._number([each], number, look.colours.get(each.trial.id, -1)),
            self._state(each.state),
            *values,
            *settings,
            Cell(str(each.trial.seed), each.trial.seed),
            Cell(epoch, row.epoch if row is not None else -1),
            Cell(format_duration(seconds) if seconds else "", seconds),
        )

    def _points(self, look: StudyLook) -> list[StudyRow]:
        base = to_values(look.standing.study.base)
        return [
            StudyRow(each.trials[0].trial.id, tuple(each.trials), self._point(each, number, look, base))
            for number, each in enumerate(look.standing.ranked, 1)
        ]

    def _point(self, each: PointStanding, number: int, look: StudyLook, base: Point) -> tuple[Cell, ...]:
        study = look.standing.study
        values = (_spread(found, goal) for found, goal in zip(each.spreads, study.objectives, strict=True))
        settings = (self._setting(path, each.point, base) for path in study.space)
        states = Counter(trial.state for trial in each.trials)
        words = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        tone = next((_SYMBOLS[state][2] for state in states if state.has_failed), "")
        test = _spread(each.test, _test_goal(study.tested_metric))
        runs = Cell(f"{each.spreads[0].n}/{len(each.trials)}", -each.spreads[0].n)
        return self._number(each.trials, number), *values, test, *settings, runs, Cell(words, words, tone)

    def _number(self, trials: Sequence[TrialStanding], number: int, series: int = -1) -> Cell:
        is_marked = all(each.trial.id in self.marked for each in trials)
        mark = ("*" if self.ascii_only else "◆") if is_marked else " "
        return Cell(f"{mark}{number}", number, "marked" if is_marked else "", series)

    def _state(self, state: TrialState) -> Cell:
        symbol, plain, tone = _SYMBOLS[state.value]
        return Cell(f"{plain if self.ascii_only else symbol} {state}", list(TrialState).index(state), tone)

    def _setting(self, path: str, point: Point, base: Point) -> Cell:
        value = point.get(path, base.get(path))
        text = printable(f"{value:.4g}" if isinstance(value, float) else setting_text(FIELDS[path], value))
        shown = fit(text, min(VALUE_WIDTH, len(text)), dots="..." if self.ascii_only else "…")
        is_number = isinstance(value, int | float)
        return Cell(shown, (not is_number, value if is_number else text), "" if path in point else "muted")


def described(each: TrialStanding, number: int) -> str:
    """A trial in one line: what it tries, how it stands, and why."""
    why = f": {each.row.why}" if each.row is not None and each.row.why else ""
    return f"#{number}  {each.trial.label} seed {each.trial.seed}  {each.state}{why}"


def mark(marked: Collection[str], trials: Sequence[TrialStanding]) -> frozenset[str]:
    """The marks once those of some trials are turned round: all are marked, or, where they were, none."""
    ids = {each.trial.id for each in trials}
    return frozenset(marked) - ids if ids <= set(marked) else frozenset(marked) | ids


def _value(value: float, goal: Objective) -> Cell:
    return Cell("" if math.isnan(value) else goal.format(value), _order(value, goal))


def _spread(found: Spread, goal: Objective) -> Cell:
    mean = found.mean if found.n else math.nan
    text = goal.format(mean) if found.n else ""
    return Cell(text if math.isnan(found.sd) else f"{text} +-{goal.format(found.sd)}", _order(mean, goal))


def _order(value: float, goal: Objective) -> tuple[bool, float]:
    """What is sorted by for the best to come first, and what has no value last."""
    known = not math.isnan(value)
    return not known, (-value if goal.direction == "max" else value) if known else 0.0


def _test_goal(metric: str) -> Objective:
    from xaitui.studies.objective import parse_objective

    return parse_objective(f"val_{metric}")
