"""Runs by name: an id or its beginning, a name, a path, ``last``, ``best:val_auc``, a pattern, a study."""

from __future__ import annotations

import fnmatch
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from xaitui.catalog.metrics import METRICS
from xaitui.errors import UsageError, nearest
from xaitui.events import EpochFinished
from xaitui.runs.directory import STUDIES, TRIALS, RunDirectory, in_order_made, list_runs
from xaitui.runs.journal.journal import read_journal
from xaitui.runs.listing.settings import read_config_head
from xaitui.runs.lock import read_owner

WRITERS_SECONDS = 10.0
"""How old the answer of `Writers` may be."""
STUDY = "study:"
"""What a word begins with that means a study, or one of its trials."""


def find_runs(words: Sequence[str], runs_dir: Path) -> list[RunDirectory]:
    """The runs that some words mean, in their order and each of them once.

    Args:
        words: each as `find_run` takes it, or a pattern of ids and names ("*mnist*"), or "study:NAME" for its trials;
            where one means several, they come in the order of their ids.
        runs_dir: the folder of the runs.

    Raises:
        UsageError: a word means none, or is no pattern and means several.
    """
    found: dict[Path, RunDirectory] = {}
    for word in words:
        for run in _meant(word, runs_dir):
            found.setdefault(run.path.resolve(), run)  # two studies may share a trial
    return list(found.values())


def _meant(word: str, runs_dir: Path) -> list[RunDirectory]:
    if word.startswith(STUDY) and "/" not in word:
        return _trials(word.removeprefix(STUDY), runs_dir)
    if set(word).isdisjoint("*?[") or "/" in word:
        return [find_run(word, runs_dir)]
    runs = list_runs(runs_dir)[::-1]
    matching = [run for run in runs if run.id == word] or [run for run in runs if _matches(word, run)]
    if not matching:
        raise UsageError(f"no run in {runs_dir} has an id or a name like {word!r}; xaitui runs ls lists them")
    return matching


def _matches(pattern: str, run: RunDirectory) -> bool:
    return fnmatch.fnmatchcase(run.id, pattern) or fnmatch.fnmatchcase(read_config_head(run).name, pattern)


def _trials(study: str, runs_dir: Path) -> list[RunDirectory]:
    """The runs of a study in the order in which they were made, its baseline first where it has one."""
    folder = runs_dir / STUDIES / study
    known = [run.id for run in list_runs(runs_dir / STUDIES)]
    if study not in known:
        raise UsageError(f"there is no study {study!r} in {runs_dir}{nearest(study, known)}")
    trials = in_order_made(list_runs(folder / TRIALS))
    if not trials:
        raise UsageError(f"study {study!r} has no trials yet")
    return trials


def _trial(word: str, runs_dir: Path) -> RunDirectory:
    study, _, beginning = word.removeprefix(STUDY).partition("/")
    trials = _trials(study, runs_dir)
    found = [run for run in trials if run.id.startswith(beginning)] if beginning else trials
    found = found or [run for run in trials if read_config_head(run).name == beginning]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(f"study {study!r} has no trial {beginning!r}{nearest(beginning, [run.id for run in trials])}")
    raise UsageError(f"{word!r} means {len(found)} runs; for one of them: {STUDY}{study}/{found[0].id}")


def find_run(word: str, runs_dir: Path) -> RunDirectory:
    """The one run that `word` means; "study:NAME/BEGINNING" is a trial of a study, by its id or its name.

    Raises:
        UsageError: no run is meant, or several are.
    """
    if word.startswith(STUDY):
        return _trial(word, runs_dir)
    if ("/" in word or word in (".", "..")) and (Path(word) / "config.toml").exists():
        return RunDirectory(Path(word).absolute())
    runs = list_runs(runs_dir)
    if not runs:
        raise UsageError(f"there are no runs in {runs_dir}; start one with: xaitui train --headless")
    if word == "last":
        return runs[0]
    if word.startswith("best:"):
        return _best(word.removeprefix("best:"), runs)
    exact = [run for run in runs if run.id == word]
    found = (
        exact or [run for run in runs if run.id.startswith(word) or run.id.endswith(f"-{word}")] or _named(word, runs)
    )
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(f"there is no run {word!r} in {runs_dir}{nearest(word, [run.id for run in runs[:50]])}")
    ids = ", ".join(run.id for run in found[:4])
    raise UsageError(
        f"{word!r} means {len(found)} runs ({ids}{', ...' if len(found) > 4 else ''}); write more of the id"
    )


def writers(runs_dir: Path) -> set[int]:
    """The processes of this machine that write runs of a folder."""
    owners = [read_owner(run.lock) for run in list_runs(runs_dir)]
    return {owner.pid for owner in owners if owner is not None and owner.is_near and owner.is_alive}


class Writers:
    """Calling it gives what `writers` gives; a folder of many runs is not read again at every call."""

    def __init__(self, runs_dir: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._runs_dir = runs_dir
        self._clock = clock
        self._pids: set[int] = set()
        self._read_at = -math.inf

    def __call__(self) -> set[int]:
        """The processes, as they were at most so many seconds ago."""
        if self._clock() - self._read_at > WRITERS_SECONDS:
            self._pids, self._read_at = writers(self._runs_dir), self._clock()
        return self._pids


def _named(word: str, runs: list[RunDirectory]) -> list[RunDirectory]:
    """Runs of that name; the folder carries it, so that only few files are read."""
    return [run for run in runs if f"-{word}-" in run.id and read_config_head(run).name == word]


def _best(metric: str, runs: list[RunDirectory]) -> RunDirectory:
    name = metric.removeprefix("val_")
    if not metric.startswith("val_") or name not in METRICS:
        known = [f"val_{item}" for item in METRICS]
        raise UsageError(f"best: takes a validation metric, not {metric!r}{nearest(metric, known)}")
    sign = 1 if METRICS[name].direction == "max" else -1
    values = {run.id: _best_value(run, name, sign) for run in runs}
    best = max(runs, key=lambda run: values[run.id])
    if values[best.id] == -math.inf:
        raise UsageError(f"no run has a {metric} yet")
    return best


def _best_value(run: RunDirectory, name: str, sign: int) -> float:
    epochs = [event for event in read_journal(run.journal) if isinstance(event, EpochFinished)]
    values = [sign * event.val[name] for event in epochs if math.isfinite(event.val.get(name, math.nan))]
    return max(values, default=-math.inf)
