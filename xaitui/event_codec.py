"""The one strict codec that makes journal lines of events, and events of lines."""

from __future__ import annotations

import json
import math
import types
import typing
from typing import Any

from xaitui.events import EVENTS, Event

_TYPES: dict[str, dict[str, Any]] = {name: typing.get_type_hints(kind) for name, kind in EVENTS.items()}
"""Field names and types of each kind of event, `time` first."""
LARGEST = 2**63 - 1
"""Of the whole numbers that a run counts; larger ones would break the arithmetic of those who read them."""


class CodecError(ValueError):
    """A line that is no event of this version."""


def encode(event: Event) -> bytes:
    """One line of JSON, its newline included; a number that is not finite becomes null, and `nonfinite` says which."""
    record: dict[str, Any] = {"event": type(event).__name__}
    nonfinite: dict[str, str] = {}
    for name in _TYPES[type(event).__name__]:
        value = getattr(event, name)
        if isinstance(value, dict):
            value = {key: _finite(f"{name}.{key}", item, nonfinite) for key, item in value.items()}
        record[name] = _finite(name, value, nonfinite)
    if nonfinite:
        record["nonfinite"] = nonfinite
    return json.dumps(record, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def _finite(path: str, value: Any, nonfinite: dict[str, str]) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        nonfinite[path] = str(value)
        return None
    return value


def decode(line: bytes) -> Event:
    """The event of one line.

    Raises:
        CodecError: the line is torn, is no JSON, names no known event, or has a field too many, too few, or of a
            wrong type.
    """
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CodecError(f"no JSON: {error}") from error
    if not isinstance(record, dict) or not isinstance(record.get("event"), str):
        raise CodecError("no event")
    kind = EVENTS.get(record.pop("event"))
    if kind is None:
        raise CodecError("an event this version does not know")
    nonfinite = record.pop("nonfinite", {})
    if not isinstance(nonfinite, dict):
        raise CodecError("nonfinite is no table")
    try:
        values = {
            name: _checked(name, record.pop(name), wanted, nonfinite)
            for name, wanted in _TYPES[kind.__name__].items()
            if name in record
        }
        if record:
            raise CodecError(f"unknown field {next(iter(record))!r}")
        return kind(**values)
    except TypeError as error:
        raise CodecError(str(error)) from error


def _checked(name: str, value: Any, wanted: Any, nonfinite: dict[str, str]) -> Any:
    if value is None and nonfinite.get(name) in ("nan", "inf", "-inf"):
        value = float(nonfinite[name])
    if isinstance(wanted, types.GenericAlias):
        if not isinstance(value, dict):
            raise CodecError(f"{name} is no table")
        item = typing.get_args(wanted)[1]
        return {key: _checked(f"{name}.{key}", inner, item, nonfinite) for key, inner in value.items()}
    if type(value) is int and not -LARGEST <= value <= LARGEST:
        raise CodecError(f"{name} is too large")
    if wanted is float and type(value) is int:
        return float(value)
    if type(value) is not wanted:
        raise CodecError(f"{name} is not of type {wanted.__name__}")
    return value
