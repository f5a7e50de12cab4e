"""Some runs beside each other: their scores, how these differ from a baseline's, and the settings that differ."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from xaitui.catalog.metrics import METRICS
from xaitui.config.units import format_duration
from xaitui.errors import DataError, UsageError
from xaitui.runs.directory import TRIALS, RunDirectory
from xaitui.runs.listing.run_list import RunRow, read_row
from xaitui.runs.listing.settings import best_scores, read_settings
from xaitui.runs.state import State, summarise

Direction = Literal["min", "max", ""]
"""Whether less or more is better, or neither."""


@dataclass(frozen=True)
class Score:
    """One number of every run; nan where a run has none."""

    name: str
    direction: Direction
    values: tuple[float, ...]

    def difference(self, run: int, baseline: int) -> float:
        """How much more a run has than the baseline."""
        return self.values[run] - self.values[baseline]

    def verdict(self, run: int, baseline: int) -> int:
        """1 where a run is better than the baseline, -1 where it is worse, 0 where neither can be said."""
        difference = self.difference(run, baseline)
        if not self.direction or math.isnan(difference):
            return 0
        upside = difference if self.direction == "max" else -difference
        return (upside > 0) - (upside < 0)

    def text(self, value: float) -> str:
        """One of its values as people read it."""
        if math.isnan(value):
            return "-"
        if self.name == "seconds":
            return format_duration(value)
        return f"{value:,.0f}" if self.name in _COUNTS else f"{value:.4f}"

    def difference_text(self, run: int, baseline: int) -> str:
        """The difference with its sign; nothing where there is none to speak of."""
        difference = self.difference(run, baseline)
        if run == baseline or math.isnan(difference):
            return ""
        text = self.text(abs(difference))
        if text == self.text(0.0):
            return "="
        return ("+" if difference > 0 else "-") + text


_COUNTS = ("epochs", "parameters")


@dataclass(frozen=True)
class Setting:
    """A configuration key that is not the same for all runs."""

    path: str
    values: tuple[str, ...]
    """As people read them; "-" where the key does not apply to a run."""
    defaults: tuple[bool, ...]
    """Which of them nobody chose."""


@dataclass(frozen=True)
class Comparison:
    """Runs in the order in which they were named, and what tells them apart."""

    runs: tuple[RunRow, ...]
    labels: tuple[str, ...]
    """Short, and different for each run."""
    baseline: int
    scores: tuple[Score, ...]
    settings: tuple[Setting, ...]
    troubles: tuple[str, ...] = field(default=())
    """What could not be read."""


def compare(runs: Sequence[RunDirectory], baseline: int = 0, least: int = 2) -> Comparison:
    """Put runs, at least so many, beside each other; one that cannot be read has no values, and `troubles` says so.

    Raises:
        UsageError: there is nothing to compare.
    """
    if len(runs) < least or len({run.path for run in runs}) < len(runs):
        raise UsageError("name at least two runs to compare, each of them once")
    rows = tuple(read_row(run) for run in runs)
    labels = _labels(rows)
    read = [_read(run) for run in runs]
    whys = [row.why if row.state is State.BROKEN else trouble for row, (*_, trouble) in zip(rows, read, strict=True)]
    troubles = tuple(f"{label}: {why}" for label, why in zip(labels, whys, strict=True) if why)
    return Comparison(rows, labels, baseline, _scores(rows), _differing(read), troubles)


def _labels(rows: Sequence[RunRow]) -> tuple[str, ...]:
    """Trials of studies by what they try, for their ids are but hashes; other runs by their ids."""
    names, ids = tuple(row.name for row in rows), [row.id for row in rows]
    if all(names) and len(set(names)) == len(names) and all(row.run.path.parent.name == TRIALS for row in rows):
        return names
    return short_labels(ids if len(set(ids)) == len(ids) else [str(row.run.path) for row in rows])


def short_labels(ids: Sequence[str]) -> tuple[str, ...]:
    """Names for some runs without what they need not say: the time of their start, the letters that make an id unique
    where nothing else does, and the first words where all have the same.

    A label is the whole id where shorter ones would be alike.
    """
    words = [run_id.split("-") for run_id in ids]
    if not all(len(each) >= 4 and each[0].isdigit() and each[1].isdigit() for each in words):
        return tuple(ids)
    for last in (-1, None):
        names = _without_common_start([each[2:last] for each in words])
        if len(set(names)) == len(ids):
            return names
    return tuple(ids)


def _without_common_start(words: list[list[str]]) -> tuple[str, ...]:
    while all(len(each) > 1 for each in words) and len({each[0] for each in words}) == 1:
        words = [each[1:] for each in words]
    return tuple("-".join(each) for each in words)


def _scores(rows: Sequence[RunRow]) -> tuple[Score, ...]:
    val = [best_scores(row.run, row.best_epoch) for row in rows]
    started = [summarise(row.run).started for row in rows]
    scores = [
        Score(f"{split}_{name}", info.direction, tuple(values.get(name, math.nan) for values in per_run))
        for split, per_run in (("val", val), ("test", [row.test for row in rows]))
        for name, info in METRICS.items()
    ]
    scores += [
        Score("epochs", "", tuple(float(row.epoch) for row in rows)),
        Score("seconds", "min", tuple(row.seconds or math.nan for row in rows)),
        Score("parameters", "", tuple(float(each.parameters) if each else math.nan for each in started)),
    ]
    return tuple(score for score in scores if not all(map(math.isnan, score.values)))


def _differing(read: Sequence[_Read]) -> tuple[Setting, ...]:
    from xaitui.config.schema import FIELDS

    given = dict.fromkeys(path for values, _, _ in read for path in values)
    paths = [*(path for path in FIELDS if path in given), *(path for path in given if path not in FIELDS)]
    settings = []
    for path in paths:
        texts = tuple(_text(values.get(path)) for values, _, _ in read)
        if len(set(texts)) > 1:
            defaults = tuple(path in values and values[path] == own.get(path) for values, own, _ in read)
            settings.append(Setting(path, texts, defaults))
    return tuple(settings)


_Read = tuple[Mapping[str, Any], Mapping[str, Any], str]
"""A run's settings and what its machine chose, the defaults of such a run, and what is wrong with them."""


def _read(run: RunDirectory) -> _Read:
    from xaitui.config.resolve import build_config
    from xaitui.config.schema import FIELDS
    from xaitui.config.toml import to_values

    as_written = read_settings(run)
    chosen = {
        path: value
        for path, value in as_written.items()
        if path.startswith("resolved.") and not isinstance(value, dict)
    }
    try:
        values = to_values(run.read_config())
    except DataError as error:
        return as_written, {}, str(error)
    kinds = {path: values[path] for path in ("optimizer.name", "schedule.name")}
    return values | chosen, to_values(build_config(kinds)) | {path: FIELDS[path].default for path in kinds}, ""


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return ", ".join(map(_text, value)) or "none" if isinstance(value, list | tuple) else str(value) or '""'
