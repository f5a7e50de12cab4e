"""Figures of a study: the curves of its trials, their scores by a setting, and the best one so far."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import fmean
from typing import Any

from xaitui.config.command_line import setting_text
from xaitui.config.schema import FIELDS
from xaitui.config.toml import to_values
from xaitui.plotting.curves import Curves, View, figure_of
from xaitui.plotting.figure import Cells, Figure, Line
from xaitui.studies.definition import Study
from xaitui.studies.space import Choices
from xaitui.studies.status import StudyStanding, TrialStanding
from xaitui.tui.studies.snapshot import StudyLook, by_value, curve_name

TRIALS, SUMMARY = 0, 1
"""Colours of single trials, and of what is said of all of them."""
MOST_DOTS = 300
"""Trials that are drawn as dots, the best ones."""
DECADES = 2
"""Powers of ten over which the values of a setting are drawn by their logarithm."""


def curves_figure(look: StudyLook, view: View, columns: int, cells: Cells) -> Figure:
    """The validation curves of some trials over one another."""
    name = curve_name(look.standing.study)
    words = ", ".join(filter(None, [f"{name} of the best trials", view.describe()]))
    return figure_of(words, look.curves.get(view.x, Curves(())), view, columns, cells)


def setting_figure(standing: StudyStanding, path: str, view: View, cells: Cells) -> Figure:
    """The first objective of each finished trial against a setting, and its mean at each value."""
    study = standing.study
    axis = SettingAxis.of(study, path)
    points = [(axis.place(value), each.values[0]) for each, value in _settings(standing, path)]
    means = [(place, fmean([y for x, y in points if x == place])) for place in sorted({x for x, _ in points})]
    title = f"{study.objectives[0].name} by {_option(path)}{axis.legend}"
    # the mean first: a dot is drawn over it
    lines = (_line("mean", means, SUMMARY), _line("trials", points[:MOST_DOTS], TRIALS, joined=False))
    words = ", ".join(filter(None, [title, view.describe()]))
    return Figure(words, lines, x_label=axis.label, log=view.log, cells=cells)


def best_figure(standing: StudyStanding, view: View, cells: Cells) -> Figure:
    """The first objective of the finished trials in the order of their ends, and the best one by then."""
    objective = standing.study.objectives[0]
    ends = sorted(by_value(standing), key=_end)
    values = [each.values[0] for each in ends]
    best = list(accumulate(values, max if objective.direction == "max" else min))
    numbers = [float(number) for number in range(1, len(values) + 1)]
    lines = (
        Line("best so far", numbers, best, SUMMARY),
        Line("trials", numbers[-MOST_DOTS:], values[-MOST_DOTS:], TRIALS, joined=False),
    )
    words = ", ".join(filter(None, [f"best {objective.name} so far", view.describe()]))
    return Figure(words, lines, x_label="finished trials", log=view.log, cells=cells)


@dataclass(frozen=True)
class SettingAxis:
    """Where the values of a setting stand on an x axis: numbers at themselves or their logarithm, names in turn."""

    path: str
    names: Mapping[Any, int]
    """By value, its place; empty for numbers."""
    is_log: bool = False

    @staticmethod
    def of(study: Study, path: str) -> SettingAxis:
        """The axis for what a study tries of a setting."""
        dimension = study.space[path]
        if not isinstance(dimension, Choices):
            return SettingAxis(path, {}, dimension.log)
        values = dict.fromkeys([*dimension.values, to_values(study.base)[path]])
        if FIELDS[path].kind in ("int", "float"):
            low, high = min(values), max(values)
            return SettingAxis(path, {}, is_log=low > 0 and high / low >= 10**DECADES)
        return SettingAxis(path, {value: place for place, value in enumerate(values, 1)})

    def place(self, value: Any) -> float:
        """Where a value stands."""
        if self.names:
            return float(self.names.get(value, len(self.names) + 1))
        return math.log10(value) if self.is_log else float(value)

    @property
    def label(self) -> str:
        """What the axis is of."""
        return f"log10 {_option(self.path)}" if self.is_log else _option(self.path)

    @property
    def legend(self) -> str:
        """What the numbers mean, where they stand for names."""
        words = [f"{place} {setting_text(FIELDS[self.path], value)}" for value, place in self.names.items()]
        return f": {', '.join(words)}" if words else ""


def _option(path: str) -> str:
    return FIELDS[path].option[2:]


def _settings(standing: StudyStanding, path: str) -> list[tuple[TrialStanding, Any]]:
    """The finished trials, the best first, each with its value; where it was varied alone, only those that did so."""
    alone = standing.study.sampler == "one-at-a-time"
    base = to_values(standing.study.base)[path]
    return [
        (each, each.trial.point.get(path, base))
        for each in by_value(standing)
        if not alone or not each.trial.point or path in each.trial.point
    ]


def _end(each: TrialStanding) -> float:
    return each.row.began + each.row.seconds if each.row is not None else math.inf


def _line(label: str, points: Sequence[tuple[float, float]], colour: int, *, joined: bool = True) -> Line:
    return Line(label, [x for x, _ in points], [y for _, y in points], colour, joined=joined)
