"""Defaults < preset < file < environment < options: each layer says what it sets, and the merge remembers who did."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from xaitui.catalog.presets import AUGMENTATION_PRESETS, PRESETS
from xaitui.config.groups import KindGroup
from xaitui.config.schema import FIELDS, RunConfig
from xaitui.errors import UsageError, nearest

ENVIRONMENT_PREFIX = "XAITUI_"
RESERVED = frozenset({"XAITUI_RUNS_DIR", "XAITUI_RUN", "XAITUI_TRACEBACK"})
"""Variables of the same prefix that are no setting of a run."""

_KINDS: dict[str, type[KindGroup]] = {
    name: info.annotation
    for name, info in RunConfig.model_fields.items()
    if isinstance(info.annotation, type) and issubclass(info.annotation, KindGroup)
}


@dataclass(frozen=True)
class Layer:
    """Some settings, by dotted path, and where they come from."""

    origin: str
    """For people: "--lr", "preset report-mnist", "study.toml"."""
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Resolution:
    """A configuration and, for each setting that some layer named, the origin of its value."""

    config: RunConfig
    origins: Mapping[str, str]


def preset_layer(name: str) -> Layer:
    """The settings of a preset.

    Raises:
        UsageError: there is no such preset.
    """
    if name not in PRESETS:
        raise UsageError(f"there is no preset {name!r}{nearest(name, PRESETS)}")
    return Layer(f"preset {name}", PRESETS[name].settings)


def augmentation_layer(dataset: str) -> Layer:
    """The augmentations that suit a set of the catalog.

    Raises:
        UsageError: none are known for the set.
    """
    if dataset not in AUGMENTATION_PRESETS:
        raise UsageError(f"no augmentations are known for {dataset!r}; choose them one by one, for example --rotate 10")
    return Layer(f"augmentations for {dataset}", AUGMENTATION_PRESETS[dataset])


def environment_layer(environ: Mapping[str, str] | None = None) -> Layer:
    """The settings named by variables: ``XAITUI_BATCH_SIZE`` is ``--batch-size``.

    Raises:
        UsageError: a variable with the prefix names no setting.
    """
    environ = os.environ if environ is None else environ
    by_variable = {ENVIRONMENT_PREFIX + record.option[2:].replace("-", "_").upper(): path
                   for path, record in FIELDS.items()}  # fmt: skip
    values = {}
    for variable, value in environ.items():
        if variable.startswith(ENVIRONMENT_PREFIX) and variable not in RESERVED:
            if variable not in by_variable:
                raise UsageError(
                    f"the environment variable {variable} names no setting{nearest(variable, by_variable)}"
                )
            values[by_variable[variable]] = value
    return Layer("the environment", values)


def resolve(layers: Sequence[Layer]) -> Resolution:
    """Merge layers, the later over the earlier, into a configuration.

    A layer that chooses another kind (an optimizer, a schedule) drops those settings of earlier layers which do not
    apply to it; a setting of the same or a later layer that does not apply is an error.

    Raises:
        UsageError: a path names no setting, or a value is not one that the setting takes.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for layer in layers:
        for path in layer.values:
            if path not in FIELDS:
                raise UsageError(f"{layer.origin}: there is no setting {path!r}{nearest(path, FIELDS)}")
        for path in _dropped(values, layer.values):
            del values[path], origins[path]
        values.update(layer.values)
        origins.update(dict.fromkeys(layer.values, layer.origin))
    return Resolution(_build(values, origins), origins)


def _dropped(values: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    dropped = []
    for group, kind in _KINDS.items():
        info = kind.kinds().get(str(given.get(f"{group}.name", "")))
        if info is not None:
            names = {path: path.removeprefix(f"{group}.") for path in values if path.startswith(f"{group}.")}
            dropped += [path for path, name in names.items() if name != "name" and name not in info.settings]
    return dropped


def build_config(values: Mapping[str, Any]) -> RunConfig:
    """The configuration of some settings by dotted path, the rest at their defaults.

    Raises:
        UsageError: a path or a value is wrong.
    """
    return resolve([Layer("the configuration", values)]).config


def _build(values: Mapping[str, Any], origins: Mapping[str, str]) -> RunConfig:
    groups: dict[str, dict[str, Any]] = {}
    for path, value in values.items():
        group, name = path.split(".", 1)
        groups.setdefault(group, {})[name] = value
    try:
        return RunConfig.model_validate(groups)
    except ValidationError as error:
        raise UsageError(_explain(error, values, origins)) from None


def _explain(error: ValidationError, values: Mapping[str, Any], origins: Mapping[str, str]) -> str:
    """One line for the first thing that is wrong: where it was set, to what, and what would be right."""
    first = error.errors()[0]
    path = ".".join(str(part) for part in first["loc"][:2])
    message = first["msg"].removeprefix("Value error, ")
    record = FIELDS.get(path)
    if record is None:  # a whole group: its own validator speaks, and names the setting
        names = [item for item in values if item.startswith(f"{path}.")]
        where = next((origins[item] for item in names if item.split(".")[1] in message.split()), "")
        where = where or next((origins[item] for item in names if item.endswith(".name")), path)
        return f"{where}: {path}: {message}"
    where = origins.get(path, path)
    where = where if where.startswith("--") else f"{where}: {path}"
    value = f"{values.get(path)!r}"
    if first["type"] == "value_error":
        return f"{where}: {message}"
    near = (
        nearest(str(values.get(path)), record.choices) if record.choices else f" is not valid; it takes {record.takes}"
    )
    return f"{where}: {value}{near if not record.choices else ' is not known' + near}"
