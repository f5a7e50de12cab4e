"""The language that picks runs: ``words dataset:path model:xcep state:failed val_acc>0.98 lr<0.01 -smoke``."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from xaitui.catalog.metrics import METRICS
from xaitui.config.units import parse_duration
from xaitui.errors import UsageError, nearest
from xaitui.events import Scalars
from xaitui.runs.listing.run_list import RunRow


class Details(Protocol):
    """Reads what a row does not have, when it is asked for."""

    def settings(self, row: RunRow) -> Mapping[str, Any]:
        """A run's configuration by dotted path."""
        ...

    def scores(self, row: RunRow) -> Scalars:
        """Every validation metric of a run's best epoch."""
        ...


Reader = Callable[[RunRow, Details], Any]
Test = Callable[[RunRow, Details], bool]


@dataclass(frozen=True)
class Filter:
    """A line of the language; the empty one lets every run through."""

    text: str = ""
    tests: tuple[Test, ...] = ()

    def matches(self, row: RunRow, details: Details) -> bool:
        """Whether a run passes each part of the line."""
        return all(test(row, details) for test in self.tests)


@dataclass(frozen=True)
class _Key:
    """What can stand before an operator."""

    read: Reader
    is_number: bool = False


def _column(name: str, *, is_number: bool = False) -> _Key:
    return _Key(lambda row, details: getattr(row, name), is_number)


_COLUMNS = {
    "id": _column("id"),
    "run": _column("id"),
    "name": _column("name"),
    "tag": _column("tags"),
    "tags": _column("tags"),
    "dataset": _column("dataset"),
    "data": _column("dataset"),
    "model": _column("model"),
    "state": _column("state"),
    "why": _column("why"),
    "device": _column("device"),
    "monitor": _column("monitor"),
    "epoch": _column("epoch", is_number=True),
    "epochs": _column("epochs", is_number=True),
    "best": _column("best", is_number=True),
    "best_epoch": _column("best_epoch", is_number=True),
    "seconds": _column("seconds", is_number=True),
    "eta": _column("eta", is_number=True),
}

_SEARCHED = ("id", "name", "tags", "dataset", "model", "state")
"""Where a word is looked for."""

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": lambda value, wanted: math.isclose(value, wanted, rel_tol=1e-9),
}

_TERM = re.compile(
    r"""\s*(?P<no>-?)(?:(?P<key>[A-Za-z_][\w.]*)(?P<operator>:|>=|<=|>|<|=))?"""
    r"""(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s"]*))(?=\s|$)"""
)


def parse(text: str) -> Filter:
    """Read a line of the language.

    Raises:
        UsageError: a quote is open, a key is not known, or a value is missing or of the wrong kind.
    """
    tests: list[Test] = []
    rest = text.strip()
    while rest:
        match = _TERM.match(rest)
        if match is None:
            raise UsageError('a quote stands alone; write "two words" with one at each end')
        tests.append(_term(match))
        rest = rest[match.end() :].lstrip()
    return Filter(text, tuple(tests))


def _term(match: re.Match[str]) -> Test:
    key, sign = match["key"], match["operator"]
    value = match["plain"] if match["quoted"] is None else match["quoted"]
    if not value:
        raise UsageError(f"write a value after {key}{sign}" if key else "write a word after -")
    test = _compared(key, sign, value) if key else _word(value.casefold())
    return (lambda row, details: not test(row, details)) if match["no"] else test


def _word(word: str) -> Test:
    return lambda row, details: any(word in _text(getattr(row, name)) for name in _SEARCHED)


def _compared(name: str, sign: str, value: str) -> Test:
    key = _key(name)
    wanted = value.casefold()
    if sign == ":":
        return lambda row, details: wanted in _text(key.read(row, details))
    if not key.is_number:
        if sign == "=":
            return lambda row, details: wanted == _text(key.read(row, details))
        raise UsageError(f"{name} is no number; write {name}:{value}")
    number, compare = _number(name, sign, value), _OPERATORS[sign]

    def test(row: RunRow, details: Details) -> bool:
        found = key.read(row, details)
        return isinstance(found, int | float) and compare(found, number)

    return test


def _text(value: Any) -> str:
    if value is None:
        return ""
    return ",".join(map(str, value)).casefold() if isinstance(value, list | tuple) else str(value).casefold()


def _number(name: str, sign: str, value: str) -> float:
    try:
        return float(str(parse_duration(value)) if name in ("seconds", "eta") else value)
    except ValueError:
        raise UsageError(f"{name}{sign} takes a number, not {value!r}") from None


def _key(name: str) -> _Key:
    """A column, a score, or a setting by its path or, where only one ends so, by the last word of it."""
    if name in _COLUMNS:
        return _COLUMNS[name]
    split, _, metric = name.partition("_")
    if split in ("val", "test"):
        return _score(split, _metric(name, split, metric))
    from xaitui.config.schema import FIELDS  # only where it is needed: it loads pydantic

    ends = {path: path.partition(".")[2] for path in FIELDS}
    paths = [path for path, end in ends.items() if name in (path, end)]
    if len(paths) == 1:
        path = paths[0]
        return _Key(lambda row, details: details.settings(row).get(path), FIELDS[path].kind in ("int", "float"))
    scores = [f"{split}_{metric}" for split in ("val", "test") for metric in METRICS]
    known = [*_COLUMNS, *scores, *FIELDS, *ends.values()]
    raise UsageError(f"a run has no {name!r}{nearest(name, paths or known)}")


def _metric(name: str, split: str, short: str) -> str:
    """A metric by its name, or by a part that only one name has."""
    if short in METRICS:
        return short
    found = [metric for metric in METRICS if metric.startswith(short)] if short else []
    found = found or [metric for metric in METRICS if short and short in metric]
    if len(found) != 1:
        raise UsageError(f"a run has no {name!r}{nearest(name, [f'{split}_{metric}' for metric in METRICS])}")
    return found[0]


def _score(split: str, metric: str) -> _Key:
    if split == "test":
        return _Key(lambda row, details: row.test.get(metric, math.nan), is_number=True)

    def read(row: RunRow, details: Details) -> float:
        return row.best if metric == row.monitor else details.scores(row).get(metric, math.nan)

    return _Key(read, is_number=True)
