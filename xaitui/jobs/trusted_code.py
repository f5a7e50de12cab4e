"""The source of a user's own model that lies in a run: code, which is executed only where the user says so."""

from __future__ import annotations

from pathlib import Path

from xaitui.errors import UsageError
from xaitui.runs.directory import RunDirectory


def trusted_source(run: RunDirectory, *, trust_model: bool) -> Path | None:
    """The copy of an own model's source, or None where the run's model is not the user's own.

    Raises:
        UsageError: there is one, and it is not trusted.
    """
    if not run.model_source.exists():
        return None
    if not trust_model:
        raise UsageError(f"{run.id} has a model of its own, {run.model_source}; to run that code add --trust-model")
    return run.model_source
