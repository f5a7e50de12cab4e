"""Defaults < preset < file < environment < options: each layer says what it sets, and the merge remembers who did."""

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
"""Variables of the same prefix that are no setting of a run."""

KINDS: Mapping[str, type[KindGroup]] = {
    name: info.annotation
    for name, info in RunConfig.model_fields.items()
    if isinstance(info.annotation, type) and issubclass(info.annotation, KindGroup)
}
"""The groups whose `name` decides which of their settings apply."""


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


@dataclass(frozen=True)
class Refusal:
    """Why a setting cannot be what it was set to."""

    path: str
    """The setting."""
    scope: str
    """What the reason speaks of: the setting, or the group whose kind decides."""
    reason: str
    """One line: what it was set to, and what would be right."""


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


def setting_variables() -> dict[str, str]:
    """The environment variable of each setting, to its dotted path."""
    return {ENVIRONMENT_PREFIX + record.option[2:].replace("-", "_").upper(): path for path, record in FIELDS.items()}


def environment_layer(environ: Mapping[str, str] | None = None) -> Layer:
    """The settings named by variables: ``XAITUI_BATCH_SIZE`` is ``--batch-size``.

    Raises:
        UsageError: a variable with the prefix names no setting.
    """
    environ = os.environ if environ is None else environ
    by_variable = setting_variables()
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


def resolve_over(layers: Sequence[Layer], settings: Mapping[str, Any], *, augment: bool = False) -> Resolution:
    """Merge options, by dotted path, over layers; `augment` puts below all of them what suits the data set.

    Raises:
        UsageError: a path names no setting, a value is not one that it takes, or no augmentations are known.
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
    """The configuration of some settings by dotted path, the rest at their defaults.

    Raises:
        UsageError: a path or a value is wrong.
    """
    return resolve([Layer("the configuration", values)]).config


def validate(values: Mapping[str, Any]) -> tuple[RunConfig | None, list[Refusal]]:
    """The configuration of some settings by dotted path, or everything that is wrong with them."""
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
    """One line: where it was set, to what, and what would be right."""
    where = origins.get(refusal.path, refusal.scope)
    known_by_option = where.startswith("--") and refusal.scope == refusal.path
    return f"{where}: {refusal.reason}" if known_by_option else f"{where}: {refusal.scope}: {refusal.reason}"


def _refusal(error: ErrorDetails, values: Mapping[str, Any]) -> Refusal:
    """What pydantic found, in our words."""
    path = ".".join(str(part) for part in error["loc"][:2])
    message = error["msg"].removeprefix("Value error, ")
    record = FIELDS.get(path)
    if record is None:  # a whole group: its own validator speaks, and begins with the setting unless it means the kind
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
