"""The search space of a study: for each setting the values to choose from, or a range to draw from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xaitui.config.command_line import setting_text
from xaitui.config.fields import FieldRecord
from xaitui.config.schema import FIELDS
from xaitui.errors import UsageError, nearest
from xaitui.text import shortened

MARK = ".."
"""Between the ends of a range."""

FIXED = ("run.", "training.seed", "data.data_dir")
"""What a study does not vary: where and under which name a run is made, and the seeds, which it counts itself."""


@dataclass(frozen=True)
class Choices:
    """Some values, in the order in which they are tried."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Range:
    """Every number between two, both included."""

    low: float
    high: float
    log: bool = False
    """Whether equal factors, not equal differences, are equally likely."""
    step: float = 0.0
    """Distance of the values from `low` on; 0 for all."""
    whole: bool = False
    """Whether only whole numbers are meant."""


Dimension = Choices | Range
Space = Mapping[str, Dimension]
"""By dotted path."""


def parse_vary(word: str) -> tuple[str, Dimension]:
    """The setting and its values from ``optimizer.lr=0.001,0.01``, ``lr=1e-4..1e-1:log`` or ``batch-size=16..128:16``.

    Raises:
        UsageError: it names no setting that can be varied, or no values of it.
    """
    name, separator, text = word.partition("=")
    if not separator:
        raise UsageError(f"--vary takes SETTING=VALUE,VALUE or SETTING=LOW..HIGH, not {word!r}")
    path = setting_path(name)
    return path, parse_dimension(path, text)


def setting_path(name: str) -> str:
    """The dotted path of a setting that is called by it, or by its option without the dashes.

    Raises:
        UsageError: there is no such setting, or it cannot be varied.
    """
    by_option = {record.option[2:]: path for path, record in FIELDS.items()}
    word = name.strip().removeprefix("--")
    path = word if word in FIELDS else by_option.get(word.replace("_", "-"), "")
    if not path:
        raise UsageError(f"there is no setting {word!r}{nearest(word, [*FIELDS, *by_option])}")
    if path.startswith(FIXED):
        raise UsageError(f"{path} cannot be varied{': use --seeds' if path == 'training.seed' else ''}")
    return path


def parse_dimension(path: str, given: str | Sequence[Any]) -> Dimension:
    """The values of one setting, from a text or from the list of a file.

    Raises:
        UsageError: there are none, or one is not of the setting's kind.
    """
    record = FIELDS[path]
    if not isinstance(given, str):
        values = tuple(
            _value(record, setting_text(record, each) if not isinstance(each, str) else each) for each in given
        )
    elif MARK in given and record.kind in ("int", "float"):
        return _range(record, given)
    else:
        parts = given.split(";" if record.kind == "list" else ",")
        values = tuple(_value(record, part.strip()) for part in parts if part.strip() or record.kind == "str")
    values = tuple(dict.fromkeys(values))
    if not values or values == ("",):
        raise UsageError(f"{path}: there is nothing to try; write {path}=VALUE,VALUE")
    return Choices(values)


def _range(record: FieldRecord, text: str) -> Range:
    ends, _, how = text.partition(":")
    first, _, last = ends.partition(MARK)
    low, high = _value(record, first.strip()), _value(record, last.strip())
    if not low < high:
        raise UsageError(f"{record.path}: the range {text!r} is empty; its first number must be below its last")
    if how == "log":
        if low <= 0:
            raise UsageError(f"{record.path}: a logarithmic range begins above 0, not at {low:g}")
        return Range(low, high, log=True, whole=record.kind == "int")
    step = _value(record, how) if how else 0
    if how and not 0 < step <= high - low:
        raise UsageError(f"{record.path}: the step {how} does not fit into {ends}")
    return Range(low, high, step=step, whole=record.kind == "int")


def _value(record: FieldRecord, text: str) -> Any:
    """A value of the setting's kind; whether it is within its limits is for the whole configuration to say."""
    try:
        if record.kind == "int":
            return int(text)
        if record.kind == "float":
            number = float(text)
            if math.isfinite(number):
                return number
            raise ValueError
        if record.kind == "bool":
            return {"true": True, "false": False}[text.lower()]
    except (ValueError, KeyError):
        raise UsageError(f"{record.path}: {shortened(repr(text))} is not valid; it takes {record.takes}") from None
    if record.kind == "list":
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text


def dimension_text(path: str, dimension: Dimension) -> str:
    """A dimension as ``--vary`` takes it, after the equals sign."""
    if isinstance(dimension, Choices):
        separator = ";" if FIELDS[path].kind == "list" else ","
        return separator.join(setting_text(FIELDS[path], value) for value in dimension.values)
    how = "log" if dimension.log else setting_text(FIELDS[path], dimension.step) if dimension.step else ""
    ends = MARK.join(setting_text(FIELDS[path], end) for end in (dimension.low, dimension.high))
    return f"{ends}:{how}" if how else ends


def ends_of(dimension: Dimension) -> tuple[Any, ...]:
    """Values that stand for all others when it is asked whether the space is allowed."""
    return dimension.values if isinstance(dimension, Choices) else (dimension.low, dimension.high)
