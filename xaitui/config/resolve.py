"""Merging of configuration layers: defaults < preset < file < environment < options."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from xaitui.catalog.presets import AUGMENTATION_PRESETS, PRESETS
from xaitui.config.base import KindGroup
from xaitui.config.schema import FIELDS, RunConfig
from xaitui.errors import UsageError, nearest
from xaitui.text import shortened

ENVIRONMENT_PREFIX = "XAITUI_"
RESERVED = frozenset({"XAITUI_RUNS_DIR", "XAITUI_RUN", "XAITUI_TRACEBACK"})
"""Variables with the same prefix that are not settings."""

KINDS: Mapping[str, type[KindGroup]] = {
    name: info.annotation
    for name, info in RunConfig.model_fields.items()
    if isinstance(info.annotation, type) and issubclass(info.annotation, KindGroup)
}
"""Groups whose `name` decides which of their settings apply."""


@dataclass(frozen=True)
class Layer:
    """Settings by dotted path, and their origin."""

    origin: str
    """Shown to users: "--lr", "preset report-mnist", "study.toml"."""
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Resolution:
    """A configuration and the origin of each setting that a layer set."""

    config: RunConfig
    origins: Mapping[str, str]


@dataclass(frozen=True)
class Refusal:
    """An invalid value of a setting."""

    path: str
    """The setting."""
    scope: str
    """Subject of the reason: the setting, or its group."""
    reason: str
    """One line: the value, and what would be valid."""


def preset_layer(name: str) -> Layer:
    """Return the settings of a preset.

    Raises:
        UsageError: there is no such preset.
    """
    if name not in PRESETS:
        raise UsageError(f"there is no preset {name!r}{nearest(name, PRESETS)}")
    return Layer(f"preset {name}", PRESETS[name].settings)


def augmentation_layer(dataset: str) -> Layer:
    """Return the augmentations that suit a catalog dataset.

    Raises:
        UsageError: none are known for the dataset.
    """
    if dataset not in AUGMENTATION_PRESETS:
        raise UsageError(f"no augmentations are known for {dataset!r}; choose them one by one, for example --rotate 10")
    return Layer(f"augmentations for {dataset}", AUGMENTATION_PRESETS[dataset])


def setting_variables() -> dict[str, str]:
    """Return the dotted path of each setting by environment variable."""
    return {ENVIRONMENT_PREFIX + record.option[2:].replace("-", "_").upper(): path for path, record in FIELDS.items()}


def environment_layer(environ: Mapping[str, str] | None = None) -> Layer:
    """Return the settings in environment variables: ``XAITUI_BATCH_SIZE`` is ``--batch-size``.

    Raises:
        UsageError: a variable with the prefix is not a setting.
    """
    environ = os.environ if environ is None else environ
    by_variable = setting_variables()
    values = {}
    for variable, value in environ.items():
        if variable.startswith(ENVIRONMENT_PREFIX) and variable not in RESERVED:
            if variable not in by_variable:
                raise UsageError(
                    f"the environment variable {variable} is not a setting{nearest(variable, by_variable)}"
                )
            values[by_variable[variable]] = value
    return Layer("the environment", values)


def resolve(layers: Sequence[Layer]) -> Resolution:
    """Merge layers into a configuration; later layers override earlier ones.

    A layer that chooses another optimizer or schedule drops the settings of earlier layers that do not apply to it;
    a setting of the same or a later layer that does not apply is an error.

    Raises:
        UsageError: a path or a value is wrong.
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


def resolve_over(layers: Sequence[Layer], settings: Mapping[str, Any], *, augment: bool = False) -> Resolution:
    """Merge options, by dotted path, over layers; `augment` adds the dataset's augmentations below all layers.

    Raises:
        UsageError: a path or a value is wrong, or no augmentations are known.
    """
    by_kind_first = sorted(settings, key=lambda path: not path.endswith(".name"))
    options = [
        Layer(FIELDS[path].option if path in FIELDS else "--set", {path: settings[path]}) for path in by_kind_first
    ]
    below = [augmentation_layer(resolve([*layers, *options]).config.data.dataset)] if augment else []
    return resolve([*below, *layers, *options])


def _dropped(values: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    dropped = []
    for group, kind in KINDS.items():
        info = kind.kinds().get(str(given.get(f"{group}.name", "")))
        if info is not None:
            names = {path: path.removeprefix(f"{group}.") for path in values if path.startswith(f"{group}.")}
            dropped += [path for path, name in names.items() if name != "name" and name not in info.settings]
    return dropped


def build_config(values: Mapping[str, Any]) -> RunConfig:
    """Return the configuration of settings by dotted path, the rest at their defaults.

    Raises:
        UsageError: a path or a value is wrong.
    """
    return resolve([Layer("the configuration", values)]).config


def validate(values: Mapping[str, Any]) -> tuple[RunConfig | None, list[Refusal]]:
    """Return the configuration of settings by dotted path, or None and all errors."""
    groups: dict[str, dict[str, Any]] = {}
    for path, value in values.items():
        group, name = path.split(".", 1)
        groups.setdefault(group, {})[name] = value
    try:
        return RunConfig.model_validate(groups), []
    except ValidationError as error:
        return None, [_refusal(item, values) for item in error.errors()]


def _build(values: Mapping[str, Any], origins: Mapping[str, str]) -> RunConfig:
    config, refusals = validate(values)
    if config is None:
        raise UsageError(_explain(refusals[0], origins))
    return config


def _explain(refusal: Refusal, origins: Mapping[str, str]) -> str:
    """Format an error as one line: the origin, the value, and what would be valid."""
    where = origins.get(refusal.path, refusal.scope)
    known_by_option = where.startswith("--") and refusal.scope == refusal.path
    return f"{where}: {refusal.reason}" if known_by_option else f"{where}: {refusal.scope}: {refusal.reason}"


def _refusal(error: ErrorDetails, values: Mapping[str, Any]) -> Refusal:
    """Convert an error of pydantic."""
    path = ".".join(str(part) for part in error["loc"][:2])
    message = error["msg"].removeprefix("Value error, ")
    record = FIELDS.get(path)
    if record is None:  # from a group's validator, whose message begins with the setting unless it is about the kind
        named = f"{path}.{message.partition(' ')[0]}"
        return Refusal(named if named in values else f"{path}.name", path, message)
    value = shortened(repr(values.get(path)))
    if error["type"] == "value_error":
        reason = message
    elif record.choices:
        reason = f"{value} is not known{nearest(str(values.get(path)), record.choices)}"
    else:
        reason = f"{value} is not valid; it takes {record.takes}"
    return Refusal(path, path, reason)
