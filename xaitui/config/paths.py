"""Absolute paths in settings, so that a run finds its files from any working directory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from xaitui.catalog.datasets import is_own_data
from xaitui.catalog.models import is_own_model
from xaitui.config.schema import RunConfig


def absolute_path(text: str) -> str:
    """Make a path absolute as a user writes it.

    Returns `text` itself if the home or working directory is unknown or is not valid UTF-8.
    """
    try:
        path = Path(text).expanduser()
        absolute = str(path.resolve() if ".." in path.parts else path.absolute())
        absolute.encode()
    except (OSError, RuntimeError, UnicodeEncodeError):
        return text
    return absolute


def absolute_value(setting: str, value: Any) -> Any:
    """Make the path in the value of a setting absolute, if it has one; catalog names are unchanged."""
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
    """Return the configuration with absolute paths."""
    groups = {}
    for name in RunConfig.model_fields:
        group = getattr(config, name)
        values = {key: absolute_value(f"{name}.{key}", value) for key, value in group}
        groups[name] = group.model_copy(update=values)
    return config.model_copy(update=groups)
