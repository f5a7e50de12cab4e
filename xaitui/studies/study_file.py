"""A study as TOML, in and out; what is read back is equal to what was written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomli_w

from xaitui.config.resolve import Layer, preset_layer, resolve
from xaitui.config.schema import SCHEMA_VERSION, RunConfig
from xaitui.config.toml import flat_settings, parse_tables, to_tables
from xaitui.errors import UsageError, nearest
from xaitui.studies.definition import Study
from xaitui.studies.objective import parse_objective
from xaitui.studies.space import Choices, Space, dimension_text, parse_dimension, setting_path

_KEYS: Mapping[str, type] = {
    "name": str,
    "sampler": str,
    "objective": list,
    "seeds": int,
    "trials": int,
    "pruner": str,
    "storage": str,
    "tested": str,
    "note": str,
    "tags": list,
    "preset": str,
    "space": dict,
    "base": dict,
}
"""The keys of a file and what stands at them."""


def to_toml(study: Study) -> str:
    """The file of a study: everything that decides what its trials are."""
    record = {
        "schema": SCHEMA_VERSION,
        "name": study.name,
        "note": study.note,
        "sampler": study.sampler,
        "objective": [objective.text for objective in study.objectives],
        "seeds": study.seeds,
        "trials": study.trials,
        "pruner": study.pruner,
        "storage": study.storage,
        "tested": study.tested,
        "tags": list(study.tags),
        "space": {path: _plain(path, study.space) for path in study.space},
        "base": to_tables(study.base),
    }
    return tomli_w.dumps(record)


def _plain(path: str, space: Space) -> Any:
    dimension = space[path]
    if isinstance(dimension, Choices):
        return [list(value) if isinstance(value, tuple) else value for value in dimension.values]
    return dimension_text(path, dimension)


def from_toml(text: str, origin: str, name: str = "") -> Study:
    """The study of a file's text.

    Args:
        origin: what errors call the file.
        name: the study's name where the file has none.

    Raises:
        UsageError: it is no TOML, or a key or value in it is wrong.
    """
    tables = parse_tables(text, origin)
    for key, value in tables.items():
        if key not in _KEYS:
            raise UsageError(f"{origin}: there is no key {key!r}{nearest(key, _KEYS)}")
        if not isinstance(value, _KEYS[key]) or isinstance(value, bool):
            raise UsageError(f"{origin}: {key} takes {_WORDS[_KEYS[key]]}, not {value!r}")
    space = {
        setting_path(path): parse_dimension(setting_path(path), _listed(origin, path, values))
        for path, values in _flat(tables.get("space", {})).items()
    }
    base = _base(tables, origin)
    objectives = tuple(parse_objective(str(each)) for each in tables.get("objective", []))
    given: dict[str, Any] = {key: tables[key] for key in _PLAIN if key in tables}
    tags = tuple(map(str, tables.get("tags", [])))
    return Study(**{"name": name, **given}, base=base, space=space, objectives=objectives, tags=tags)


_WORDS = {str: "a text", int: "a whole number", list: "a list", dict: "a table"}
_PLAIN = ("name", "sampler", "seeds", "trials", "pruner", "storage", "tested", "note")


def _flat(table: Mapping[str, Any]) -> dict[str, Any]:
    """``[space.optimizer] lr = ...`` means what ``"optimizer.lr" = ...`` does."""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        flat.update(
            {f"{key}.{name}": inner for name, inner in value.items()} if isinstance(value, dict) else {key: value}
        )
    return flat


def _listed(origin: str, path: str, values: Any) -> Any:
    if isinstance(values, str | list):
        return values
    raise UsageError(f"{origin}: {path} takes a list of values or a range in quotes, not {values!r}")


def _base(tables: Mapping[str, Any], origin: str) -> RunConfig:
    layers = [preset_layer(tables["preset"])] if tables.get("preset") else []
    return resolve([*layers, Layer(origin, flat_settings(tables.get("base", {}), origin))]).config
