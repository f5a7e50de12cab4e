"""Records of the settings, from which options, form fields, the schema and error messages are made."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin

import annotated_types
from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo

from xaitui.catalog.records import KindInfo
from xaitui.config.base import KindGroup


def setting(
    default: Any,
    help_text: str,
    *,
    option: str,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    choices: tuple[str, ...] = (),
    suggestions: tuple[str, ...] = (),
    short: str = "",
) -> Any:
    """Declare a setting.

    Args:
        low, high: inclusive limits.
        above: exclusive lower limit.
        choices: the catalog names that the setting takes; the group's validator checks them.
        suggestions: known names, if others are allowed as well.
        short: an alternative spelling of the option.
    """
    extra: dict[str, Any] = {
        "option": option,
        "unit": unit,
        "choices": list(choices),
        "suggestions": list(suggestions),
        "short": short,
    }
    return Field(default, description=help_text, ge=low, le=high, gt=above, json_schema_extra=extra)


@dataclass(frozen=True)
class FieldRecord:
    """Description of one setting."""

    path: str
    """Table and key in a configuration file: ``optimizer.lr``."""
    option: str
    """Long option: ``--lr``."""
    short: str
    """Alternative spelling, or empty."""
    kind: str
    """"int", "float", "bool", "str" or "list"."""
    default: Any
    help: str
    unit: str
    low: float | None
    high: float | None
    exclusive: bool
    """Whether `low` itself is excluded."""
    choices: tuple[str, ...]
    suggestions: tuple[str, ...] = ()
    kind_defaults: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Default for each optimizer or schedule that takes the setting; empty if it always applies."""

    @property
    def label(self) -> str:
        """The option in words: ``batch size``."""
        return self.option[2:].replace("-", " ")

    @property
    def takes(self) -> str:
        """Values that the setting takes: ``a whole number from 1 to 65536``."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.kind == "bool":
            return "true or false"
        noun = {"int": "a whole number", "float": "a number", "list": "a comma-separated list"}.get(self.kind, "text")
        return f"{noun} {self.range}".rstrip()

    @property
    def range(self) -> str:
        """Limits and unit: ``from 1 to 65536 (px)``; empty if there are none."""
        unit = f"({self.unit})" if self.unit else ""
        if self.low is None:
            return unit
        low = f"{self.low:.12g}"
        high = "" if self.high is None else f"{self.high:.12g}"
        if self.exclusive:
            limits = f"above {low} up to {high}" if high else f"above {low}"
        else:
            limits = f"from {low} to {high}" if high else f"of at least {low}"
        return f"{limits} {unit}".rstrip()


def _kind(annotation: Any) -> str:
    if get_origin(annotation) is typing.Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) is tuple:
        return "list"
    return {int: "int", float: "float", bool: "bool"}.get(annotation, "str")


def _limits(info: FieldInfo) -> tuple[float | None, float | None, bool]:
    low = high = None
    exclusive = False
    for item in info.metadata:
        match item:
            case annotated_types.Ge(ge=value):
                low = typing.cast(float, value)
            case annotated_types.Gt(gt=value):
                low, exclusive = typing.cast(float, value), True
            case annotated_types.Le(le=value):
                high = typing.cast(float, value)
    return low, high, exclusive


def _record(group: str, name: str, info: FieldInfo, kinds: Mapping[str, KindInfo]) -> FieldRecord:
    extra = typing.cast("dict[str, Any]", info.json_schema_extra)
    literal = get_args(info.annotation) if get_origin(info.annotation) is Literal else ()
    low, high, exclusive = _limits(info)
    return FieldRecord(
        path=f"{group}.{name}",
        option=extra["option"],
        short=extra["short"],
        kind=_kind(info.annotation),
        default=info.default,
        help=info.description or "",
        unit=extra["unit"],
        low=low,
        high=high,
        exclusive=exclusive,
        choices=tuple(extra["choices"]) or literal,
        suggestions=tuple(extra["suggestions"]),
        kind_defaults={kind: each.settings[name] for kind, each in kinds.items() if name in each.settings},
    )


def field_records(model: type[BaseModel]) -> Mapping[str, FieldRecord]:
    """Return the record of every setting by dotted path, in the order of declaration."""
    records = {}
    for group, info in model.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            kinds = info.annotation.kinds() if issubclass(info.annotation, KindGroup) else {}
            for name, inner in info.annotation.model_fields.items():
                records[f"{group}.{name}"] = _record(group, name, inner, kinds)
    return types.MappingProxyType(records)
