"""JSON Schema of the configuration file, for editors and other programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xaitui.catalog.records import KindInfo
from xaitui.config.base import KindGroup
from xaitui.config.fields import FieldRecord
from xaitui.config.schema import FIELDS, SCHEMA_VERSION, RunConfig
from xaitui.config.toml import RESOLVED

Schema = dict[str, Any]

_OF_THE_RECORD = frozenset({"title", "option", "unit", "short", "choices", "suggestions"})
"""Keys of our own in pydantic's schema, which JSON Schema does not define."""


def json_schema() -> Schema:
    """Return the JSON Schema of a configuration file.

    The settings of an optimizer or a schedule are listed once for each kind, with the defaults of that kind.
    """
    definitions = RunConfig.model_json_schema()["$defs"]
    tables = {}
    for group, info in RunConfig.model_fields.items():
        model = info.annotation
        assert isinstance(model, type)
        plain = definitions[model.__name__]
        properties = {name: _property(FIELDS[f"{group}.{name}"], item) for name, item in plain["properties"].items()}
        tables[group] = {"description": plain["description"], **_table(properties, model)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "xaitui configuration",
        "type": "object",
        "properties": {"schema": {"const": SCHEMA_VERSION}, RESOLVED: {"type": "object"}, **tables},
        "additionalProperties": False,
    }


def _property(record: FieldRecord, plain: Schema) -> Schema:
    """Return pydantic's schema of a setting, completed with its unit and choices."""
    kept = {key: value for key, value in plain.items() if key not in _OF_THE_RECORD}
    if record.unit:
        kept["description"] = f"{record.help} ({record.unit})"
    if record.choices:
        kept["enum"] = list(record.choices)
    return kept


def _table(properties: Schema, model: type[Any]) -> Schema:
    if not issubclass(model, KindGroup):
        return _object(properties)
    default = model.model_fields["name"].default
    return {"oneOf": [_kind(properties, info, is_default=info.name == default) for info in model.kinds().values()]}


def _kind(properties: Schema, info: KindInfo, *, is_default: bool) -> Schema:
    """Return the table of one kind; its name may be omitted if it is the default."""
    name = {"const": info.name, "description": info.description}
    settings = {key: {**properties[key], "default": _plain(value)} for key, value in info.settings.items()}
    return _object({"name": name, **settings}, required=() if is_default else ("name",))


def _object(properties: Mapping[str, Any], required: tuple[str, ...] = ()) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
