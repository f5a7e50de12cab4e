"""Settings of a run for the list of runs: its name and tags, its settings, its best epoch."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xaitui.event_codec import CodecError, decode
from xaitui.events import (
    EpochFinished,
    Scalars,
)
from xaitui.runs.directory import RunDirectory
from xaitui.system.damaged_files import RECORD_DAMAGE

_RUN_TABLE = re.compile(r"^\[run\]\n.*?(?=^\[|\Z)", re.MULTILINE | re.DOTALL)
_EPOCH = re.compile(rb'^\{"event":"EpochFinished".*\n', re.MULTILINE)


@dataclass(frozen=True)
class ConfigHead:
    """What people call a run, and what it is of."""

    name: str = ""
    tags: tuple[str, ...] = ()
    dataset: str = ""
    model: str = ""
    trouble: str = ""
    """Why the configuration cannot be read, where it cannot."""


def read_config_head(run: RunDirectory) -> ConfigHead:
    """Read name and tags of a run; of a long list only the table that has them is parsed."""
    try:
        text = run.config.read_text(encoding="utf-8")
        table = _RUN_TABLE.search(text)
        tables = tomllib.loads(table[0] if table and run.journal.exists() else text)
    except OSError as error:
        return ConfigHead(trouble=f"config.toml cannot be read: {error.strerror}")
    except (ValueError, RecursionError) as error:  # no UTF-8, no TOML, a number of too many digits
        return ConfigHead(trouble=f"config.toml is no TOML: {error}")
    settings = flat(tables)
    tags = settings.get("run.tags", [])
    words = {
        name: str(settings.get(path, ""))
        for name, path in {"name": "run.name", "dataset": "data.dataset", "model": "model.name"}.items()
    }
    return ConfigHead(tags=tuple(map(str, tags)) if isinstance(tags, list) else (), **words)


def read_settings(run: RunDirectory) -> Mapping[str, Any]:
    """A run's configuration by dotted path, as its file has it; empty where it cannot be read."""
    try:
        return flat(tomllib.loads(run.config.read_text(encoding="utf-8")))
    except RECORD_DAMAGE:
        return {}


def flat(tables: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the tables of a file by dotted path."""
    return {
        f"{group}.{name}": value
        for group, table in tables.items()
        if isinstance(table, dict)
        for name, value in table.items()
    }


def best_scores(run: RunDirectory, best_epoch: int) -> Scalars:
    """Every validation metric of the best epoch; of one that was done twice the later counts, as in every reader."""
    try:
        lines = _EPOCH.findall(run.journal.read_bytes())
    except OSError:
        return {}
    for line in reversed(lines):
        try:
            event = decode(line)
        except CodecError:
            continue
        if isinstance(event, EpochFinished) and event.epoch == best_epoch:
            return event.val
    return {}


def finished_epochs(run: RunDirectory) -> list[EpochFinished]:
    """What each epoch of a run ended with; of one that was done twice the later counts."""
    from xaitui.runs.journal.journal import fold, read_entries

    try:
        return [entry.event for entry in fold(read_entries(run.journal)) if isinstance(entry.event, EpochFinished)]
    except OSError:
        return []
