"""Status of a study: the state and the value of each trial, derived from its runs at each read."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from xaitui.config.toml import to_values
from xaitui.errors import DataError, ExitCode, UsageError
from xaitui.metrics.statistics import Spread, spread
from xaitui.runs.directory import RunDirectory, in_order_made, list_runs
from xaitui.runs.listing.run_list import RunList, RunRow
from xaitui.runs.state import State
from xaitui.studies.definition import Study
from xaitui.studies.folder import StudyFolder
from xaitui.studies.search_points import Point
from xaitui.studies.trials import Trial, by_point, plan, point_label

PRUNED = "pruned"
"""What the reason begins with for which the run of a pruned trial was stopped."""


class TrialState(StrEnum):
    """How a trial stands."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    REMOTE = "elsewhere"
    FINISHED = "finished"
    PRUNED = "pruned"
    STOPPED = "stopped"
    """Saved before its end; goes on when the study does."""
    INTERRUPTED = "interrupted"
    """Its process is gone; goes on when the study does."""
    FAILED = "failed"
    DIVERGED = "diverged"
    OUT_OF_MEMORY = "out of memory"

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it by itself."""
        return self in (TrialState.FINISHED, TrialState.PRUNED) or self.has_failed

    @property
    def has_failed(self) -> bool:
        """Whether it ended without a result."""
        return self in (TrialState.FAILED, TrialState.DIVERGED, TrialState.OUT_OF_MEMORY)

    @property
    def is_live(self) -> bool:
        """Whether a process works on it."""
        return self in (TrialState.RUNNING, TrialState.PAUSED, TrialState.REMOTE)


_FAILURES = {ExitCode.DIVERGED: TrialState.DIVERGED, ExitCode.OUT_OF_MEMORY: TrialState.OUT_OF_MEMORY}


@dataclass(frozen=True)
class TrialStanding:
    """One trial now."""

    trial: Trial
    run: RunDirectory
    state: TrialState
    row: RunRow | None = None
    """Its run; None while it waits."""
    values: tuple[float, ...] = ()
    """Of each objective; nan where there is none yet."""


@dataclass(frozen=True)
class PointStanding:
    """The runs of one point over its seeds."""

    point: Point
    trials: Sequence[TrialStanding]
    spreads: tuple[Spread, ...]
    """Of each objective, over the trials that have finished."""
    test: Spread
    """Of the first objective's metric on the test split, over the trials for which it was read."""

    @property
    def label(self) -> str:
        """What differs from the base, in words."""
        return point_label(self.point)

    @property
    def is_complete(self) -> bool:
        """Whether every seed of it has finished."""
        return all(each.state is TrialState.FINISHED for each in self.trials)


@dataclass(frozen=True)
class StudyStanding:
    """A study now."""

    study: Study
    folder: StudyFolder
    trials: tuple[TrialStanding, ...]
    points: tuple[PointStanding, ...]
    expected: int
    """Trials that there will be, as far as is known."""
    trouble: str = ""
    """Why the trials cannot be told, where they cannot."""

    def count(self, *states: TrialState) -> int:
        """How many trials stand so."""
        return sum(each.state in states for each in self.trials)

    @property
    def counts(self) -> Counter[TrialState]:
        """How many trials stand how."""
        return Counter(each.state for each in self.trials)

    @property
    def over(self) -> int:
        """Trials of which nothing more comes by itself."""
        return sum(each.state.is_over for each in self.trials)

    @property
    def is_complete(self) -> bool:
        """Whether every trial is over."""
        return self.over >= self.expected and not self.trouble

    @property
    def is_live(self) -> bool:
        """Whether a process works on one of its trials."""
        return any(each.state.is_live for each in self.trials)

    @property
    def has_failures(self) -> bool:
        """Whether a trial ended without a result."""
        return any(each.state.has_failed for each in self.trials)

    @property
    def undefined(self) -> list[str]:
        """The objectives that no trial has a value of, once all are over and some have finished."""
        finished = [each for each in self.trials if each.state is TrialState.FINISHED]
        if not (finished and self.is_complete):
            return []
        return [
            objective.name
            for index, objective in enumerate(self.study.objectives)
            if all(math.isnan(each.values[index]) for each in finished)
        ]

    @property
    def ranked(self) -> list[PointStanding]:
        """The points by the mean of the first objective, the best first; those without one last."""
        sign = -1 if self.study.objectives[0].direction == "max" else 1
        known = [point for point in self.points if point.spreads[0].n and not math.isnan(point.spreads[0].mean)]
        others = [point for point in self.points if point not in known]
        return [*sorted(known, key=lambda point: sign * point.spreads[0].mean), *others]

    @property
    def best(self) -> PointStanding | None:
        """The point with the best mean of the first objective; those with all their seeds come first."""
        known = [point for point in self.ranked if point.spreads[0].n]
        return next((point for point in known if point.is_complete), known[0] if known else None)

    @property
    def chosen(self) -> list[PointStanding]:
        """The best point; of several objectives all those than which none is better by every one (the Pareto front)."""
        known = [point for point in self.ranked if point.spreads[0].n]
        if len(self.study.objectives) == 1:
            return [self.best] if self.best is not None else []
        return [point for point in known if not any(_dominates(other, point, self.study) for other in known)]


def _dominates(one: PointStanding, other: PointStanding, study: Study) -> bool:
    """Whether a point is as good by every objective, and better by one."""
    means = zip((each.mean for each in one.spreads), (each.mean for each in other.spreads), strict=True)
    pairs = [(a, b, objective) for (a, b), objective in zip(means, study.objectives, strict=True)]
    is_worse = any(objective.better(b, a) for a, b, objective in pairs)
    return not is_worse and any(objective.better(a, b) for a, b, objective in pairs)


class StudyReader:
    """Reads how a study stands, again and again at little cost."""

    def __init__(self, folder: StudyFolder, cache: Path | None = None) -> None:
        self.folder = folder
        self._runs = RunList(folder.trials, cache)
        self._study: tuple[float, Study] | None = None
        self._planned: tuple[Study, tuple[Trial, ...]] | None = None
        self._found: dict[str, tuple[float, Trial | None]] = {}

    @property
    def study(self) -> Study:
        """The definition, read again when its file changes.

        Raises:
            DataError: it cannot be read.
        """
        try:
            written = self.folder.definition.stat().st_mtime
        except OSError:
            written = -1.0
        if self._study is None or self._study[0] != written:
            self._study = written, self.folder.read()
        return self._study[1]

    def read(self) -> StudyStanding:
        """Look at every trial.

        Raises:
            DataError: the definition cannot be read.
            OSError: the folder of the trials cannot be read.
        """
        study = self.study
        rows = {row.id: row for row in self._runs.read()}
        trials, trouble = self.trials(study)
        standings = tuple(self._standing(study, trial, rows.get(trial.id)) for trial in trials)
        by_id = {each.trial.id: each for each in standings}
        points = tuple(_point(study, [by_id[trial.id] for trial in group]) for group in by_point(trials))
        expected = max(len(trials), study.trials * study.seeds) if study.proposes else len(trials)
        return StudyStanding(study, self.folder, standings, points, expected, trouble)

    def trials(self, study: Study) -> tuple[tuple[Trial, ...], str]:
        """The trials that are known, and why there may be more: of a list all, of a search those that were made."""
        if study.proposes:
            return tuple(self._made(study)), ""
        if self._planned is None or self._planned[0] is not study:
            try:
                self._planned = study, tuple(plan(study))
            except UsageError as error:  # written by an older version, which allowed it
                return tuple(self._made(study)), str(error)
        return self._planned[1], ""

    def _made(self, study: Study) -> Iterable[Trial]:
        """The trials whose directories stand: what was proposed is read back from their configurations."""
        for run in in_order_made(list_runs(self.folder.trials)):
            trial = self._trial_in(study, run)
            if trial is not None and trial.id == run.id:
                yield trial

    def _trial_in(self, study: Study, run: RunDirectory) -> Trial | None:
        try:
            written = run.config.stat().st_mtime
        except OSError:
            return None
        known = self._found.get(run.id)
        if known is None or known[0] != written:
            self._found[run.id] = known = (written, read_trial(study, run))
        return known[1]

    def _standing(self, study: Study, trial: Trial, row: RunRow | None) -> TrialStanding:
        run = self.folder.run(trial.id)
        if row is None:
            return TrialStanding(trial, run, TrialState.WAITING, None, (math.nan,) * len(study.objectives))
        values = tuple(objective.value(row, self._runs) for objective in study.objectives)
        return TrialStanding(trial, run, trial_state(row), row, values)


def read_trial(study: Study, run: RunDirectory) -> Trial | None:
    """What a run directory tries; None where it cannot be read."""
    try:
        config = run.read_config()
    except DataError:
        return None
    values: dict[str, Any] = to_values(config)
    return Trial({path: values[path] for path in study.space if path in values}, config)


def trial_state(row: RunRow) -> TrialState:
    """How the trial of a run stands."""
    if row.state in (State.FAILED, State.STOPPED):
        if row.state is State.STOPPED:
            return TrialState.PRUNED if row.why.startswith(PRUNED) else TrialState.STOPPED
        return (
            _FAILURES.get(ExitCode(row.exit_code), TrialState.FAILED)
            if row.exit_code in set(ExitCode)
            else TrialState.FAILED
        )
    if row.state is State.BROKEN or (row.state is State.INTERRUPTED and not row.began):
        return TrialState.WAITING
    return TrialState(row.state.value)


def _point(study: Study, trials: list[TrialStanding]) -> PointStanding:
    finished = [each for each in trials if each.state is TrialState.FINISHED]
    spreads = tuple(spread([each.values[index] for each in finished]) for index in range(len(study.objectives)))
    test = spread([each.row.test.get(study.tested_metric, math.nan) for each in finished if each.row is not None])
    return PointStanding(trials[0].trial.point, tuple(trials), spreads, test)
