"""Absolute paths in settings, so that a run finds its files from any folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from xaitui.catalog.datasets import is_own_data
from xaitui.catalog.models import is_own_model
from xaitui.config.schema import RunConfig


def absolute_path(text: str) -> str:
    """A path as a user writes it, made absolute.

    `text` itself where the home or the working folder is not known, or has a name that no file of settings can hold.
    """
    try:
        path = Path(text).expanduser()
        absolute = str(path.resolve() if ".." in path.parts else path.absolute())
        absolute.encode()
    except (OSError, RuntimeError, UnicodeEncodeError):
        return text
    return absolute


def absolute_value(setting: str, value: Any) -> Any:
    """The value of a setting (by dotted path) with its path, if it has one, made absolute; catalog names stay."""
    match setting:
        case "data.dataset" if is_own_data(value):
            return absolute_path(value)
        case "data.data_dir" | "model.weights" if value:
            return absolute_path(value)
        case "model.name" if is_own_model(value) and ":" in value:
            path, _, function = value.rpartition(":")
            return f"{absolute_path(path)}:{function}"
        case "run.on_end" if value and os.sep in value[0]:
            return (absolute_path(value[0]), *value[1:])
    return value


def absolute_paths(config: RunConfig) -> RunConfig:
    """The configuration with each path in it made absolute."""
    groups = {}
    for name in RunConfig.model_fields:
        group = getattr(config, name)
        values = {key: absolute_value(f"{name}.{key}", value) for key, value in group}
        groups[name] = group.model_copy(update=values)
    return config.model_copy(update=groups)
