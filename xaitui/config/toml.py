"""Reading and writing of configurations as TOML; a round trip is lossless."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from xaitui.config.base import KindGroup
from xaitui.config.resolve import Layer, build_config
from xaitui.config.schema import FIELDS, SCHEMA_VERSION, RunConfig
from xaitui.errors import UsageError, nearest

RESOLVED = "resolved"
"""Table in a run's file with the values chosen on its machine; not a setting."""


def to_values(config: RunConfig) -> dict[str, Any]:
    """Return every setting that applies, by dotted path."""
    values = {}
    for path in FIELDS:
        group_name, name = path.split(".", 1)
        group = getattr(config, group_name)
        if isinstance(group, KindGroup) and name != "name" and name not in group.kinds()[group.name].settings:  # type: ignore[attr-defined]
            continue
        values[path] = getattr(group, name)
    return values


def to_tables(config: RunConfig) -> dict[str, Any]:
    """Return every setting that applies, as the tables of a file."""
    tables: dict[str, Any] = {}
    for path, value in to_values(config).items():
        group, name = path.split(".", 1)
        tables.setdefault(group, {})[name] = list(value) if isinstance(value, tuple) else value
    return tables


def to_toml(config: RunConfig, resolved: dict[str, Any] | None = None) -> str:
    """Return the text of a file with every setting that applies."""
    tables: dict[str, Any] = {"schema": SCHEMA_VERSION, **to_tables(config)}
    if resolved is not None:
        tables[RESOLVED] = resolved
    return tomli_w.dumps(tables)


def from_toml(text: str) -> RunConfig:
    """Return the configuration in a TOML text.

    Raises:
        UsageError: the TOML is invalid, or a key or value is wrong.
    """
    return build_config(parse_toml(text, "the configuration"))


def parse_toml(text: str, origin: str) -> dict[str, Any]:
    """Return the settings in a TOML text by dotted path; keys are checked, values are not.

    Raises:
        UsageError: the TOML is invalid, of a newer version, or has an unknown key.
    """
    tables = parse_tables(text, origin)
    tables.pop(RESOLVED, None)
    return flat_settings(tables, origin)


def parse_tables(text: str, origin: str) -> dict[str, Any]:
    """Return the tables in a TOML text, without the schema version, which is checked.

    Raises:
        UsageError: the TOML is invalid or of a newer version.
    """
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError also for a number with too many digits
        raise UsageError(f"{origin} is no TOML: {error}") from None
    version = tables.pop("schema", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        raise UsageError(f"{origin} has schema {version}, this xaitui reads {SCHEMA_VERSION}; update xaitui")
    return tables


def flat_settings(tables: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Return the settings in tables by dotted path; keys are checked, values are not.

    Raises:
        UsageError: there is an unknown key.
    """
    groups = list(RunConfig.model_fields)
    values: dict[str, Any] = {}
    for group, table in tables.items():
        if group not in groups:
            raise UsageError(f"{origin}: there is no table [{group}]{nearest(group, groups)}")
        if not isinstance(table, dict):
            raise UsageError(f"{origin}: {group} is a table of settings; write them below a line [{group}]")
        values.update({f"{group}.{name}": value for name, value in table.items()})
    for path in values:
        if path not in FIELDS:
            raise UsageError(f"{origin}: there is no setting {path!r}{nearest(path, FIELDS)}")
    return values


def file_layer(path: Path) -> Layer:
    """Return the settings in a file.

    Raises:
        UsageError: the file cannot be read, or a key is wrong.
    """
    return Layer(str(path), parse_toml(read_text(path), str(path)))


def read_text(path: Path) -> str:
    """Read a text file that a user named.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"cannot read {path}: {reason}") from None


def read_resolved(path: Path) -> dict[str, Any]:
    """Return the values chosen on the machine, from a run's file.

    Raises:
        UsageError: the TOML is invalid.
        OSError: the file cannot be read.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get(RESOLVED, {})
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no TOML: {error}") from None
    return table if isinstance(table, dict) else {}
