"""Run directories for tests, made of events instead of by training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tests.builders.events import epoch_finished, epoch_started, finished, started, step
from xaitui.config.resolve import build_config
from xaitui.config.toml import to_toml
from xaitui.events import Event
from xaitui.runs.directory import RunDirectory
from xaitui.runs.journal.journal import JournalWriter
from xaitui.runs.lock import Owner


def made_run(
    runs_dir: Path, run_id: str, *events: Event, settings: Mapping[str, Any] | None = None, at: float = 1000.0
) -> RunDirectory:
    """A run with these events, all written at one time, and a configuration with these settings."""
    run = RunDirectory(runs_dir / run_id)
    run.path.mkdir(parents=True)
    run.config.write_text(to_toml(build_config(settings or {})))
    write(run, *events, at=at)
    return run


def finished_run(
    runs_dir: Path,
    run_id: str,
    accuracy: float = 0.5,
    at: float = 1000.0,
    settings: Mapping[str, Any] | None = None,
    **values: Any,
) -> RunDirectory:
    """A run of one epoch that came to its end; `values` are those of its start."""
    events = (
        started(epochs=1, **values),
        epoch_started(1, 1),
        step(10),
        epoch_finished(1, accuracy=accuracy),
        finished(epoch=1, step=10, best_epoch=1, best=accuracy, test={"accuracy": accuracy - 0.01}),
    )
    return made_run(runs_dir, run_id, *events, settings=settings, at=at)


def write(run: RunDirectory, *events: Event, at: float = 1000.0) -> None:
    """Append to the journal."""
    journal = JournalWriter(run.journal, clock=lambda: at)
    for event in events:
        journal.append(event)
    journal.close()


def own(run: RunDirectory, **changes: Any) -> None:
    """Let this process be the writer of a run, or one that differs from it."""
    run.lock.write_text(json.dumps(asdict(replace(Owner.of_this_process(), **changes))))
