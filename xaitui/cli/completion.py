"""Values that a shell completes: names of the catalog, runs and studies."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import typer

from xaitui.runs.directory import STUDIES, RunDirectory, list_runs
from xaitui.runs.folder import runs_folder

NAMED = 100
"""The newest runs, whose names are completed too: each costs the reading of a file."""


def one_of(names: Iterable[str]) -> Callable[[], list[str]]:
    """Complete one of some names."""
    known = list(names)
    return lambda: known


def complete_run(ctx: typer.Context) -> list[str]:
    """Complete one run: an id, a name, ``last`` or ``best:METRIC``."""
    return _words(_folder(ctx))


def complete_runs(ctx: typer.Context) -> list[str]:
    """Complete one of several runs, or a study that stands for its trials."""
    folder = _folder(ctx)
    return [*_words(folder), *(f"study:{study.id}" for study in _listed(folder / STUDIES))]


def complete_study(ctx: typer.Context) -> list[str]:
    """Complete the name of a study."""
    studies = [study.id for study in _listed(_folder(ctx) / STUDIES)]
    return ["last", *studies] if studies else []


def _folder(ctx: typer.Context) -> Path:
    given = ctx.params.get("runs_dir")  # a text or a Path, as Typer has read it so far
    return runs_folder(Path(given) if given else None)


def _words(folder: Path) -> list[str]:
    from xaitui.catalog.metrics import METRICS
    from xaitui.runs.listing.settings import read_config_head

    runs = _listed(folder)
    if not runs:
        return []
    names = {read_config_head(run).name for run in runs[:NAMED]} - {""}
    return ["last", *(f"best:val_{metric}" for metric in METRICS), *sorted(names), *(run.id for run in runs)]


def _listed(folder: Path) -> list[RunDirectory]:
    try:
        return list_runs(folder)
    except OSError:  # a key press in a shell is no place for an error
        return []


def completed_words() -> list[str]:
    """The words of the line that a shell asks about, from the environment.

    bash splits ``--option=value`` into three words; the "=" is taken out of its variables, since Typer looks for a
    value right after its option.
    """
    if "COMP_WORDS" not in os.environ:
        return os.environ.get("_TYPER_COMPLETE_ARGS", "").split()
    words, at = os.environ["COMP_WORDS"].split("\n"), int(os.environ.get("COMP_CWORD", "0"))
    signs = [index for index, word in enumerate(words) if word == "=" and index < at]
    words = [word for index, word in enumerate(words) if index not in signs]
    os.environ.update(COMP_WORDS="\n".join(words), COMP_CWORD=str(at - len(signs)))
    return words
