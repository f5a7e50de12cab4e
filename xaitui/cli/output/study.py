"""A study as text: its trials before they begin, each as it ends, and all of them set beside each other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from xaitui.config.units import format_duration
from xaitui.metrics.format import without_nan
from xaitui.metrics.statistics import PairedDifference, Spread
from xaitui.studies.definition import Study
from xaitui.studies.importance import importance
from xaitui.studies.objective import Objective
from xaitui.studies.paired_comparison import paired_rows
from xaitui.studies.status import PointStanding, StudyStanding, TrialStanding, TrialState
from xaitui.studies.time_estimates import Estimates, total
from xaitui.studies.trials import Trial
from xaitui.text import printable

LABEL_WIDTH = 34


def plan_lines(study: Study, trials: Sequence[Trial], estimates: Estimates) -> Iterator[str]:
    """Every run that a study will make, with how long it will take where that can be told."""
    yield f"study {study.name}: {study.sampler}, {_objectives(study)}, {_many(study.seeds, 'seed')}"
    known = [estimates.seconds(trial.config) for trial in trials]
    for number, (trial, seconds) in enumerate(zip(trials, known, strict=True), 1):
        duration = format_duration(seconds) if seconds is not None else "?"
        yield f"{number:>5}  {trial.id}  {duration:>8}  {printable(trial.label)} seed {trial.seed}"
    if study.proposes:
        seconds = estimates.seconds(study.base)
        known = [seconds] * (study.trials * study.seeds)
        yield f"{study.trials} points of {study.sampler}, {_many(study.seeds, 'run')} each"
    sure, unknown = total(known)
    words = (
        f"{_many(len(known), 'run')}, about {format_duration(sure)} one after the other"
        if sure
        else _many(len(known), "run")
    )
    if unknown:
        words += f"; of {unknown} it is not known: no run like them has finished here (--probe)"
    yield words


def _objectives(study: Study) -> str:
    return ", ".join(f"{each.name} ({each.direction})" for each in study.objectives)


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def trial_line(each: TrialStanding, study: Study) -> str:
    """One trial that is over, or how it stands."""
    words = f"{printable(each.trial.label)} seed {each.trial.seed}"
    if each.state is TrialState.FINISHED and each.row is not None:
        known = zip(study.objectives, each.values, strict=True)
        values = "  ".join(f"{objective.name} {objective.format(value)}" for objective, value in known)
        return f"{words}  {values} @{each.row.best_epoch}/{each.row.epoch}  {format_duration(each.row.seconds)}"
    why = f": {printable(each.row.why)}" if each.row is not None and each.row.why and each.state.is_over else ""
    return f"{words}  {each.state}{why}"


def standing_lines(standing: StudyStanding) -> Iterator[str]:
    """The points, the best first, and what is still to come."""
    study = standing.study
    yield counts_line(standing)
    if standing.trouble:
        yield f"not all trials are known: {printable(standing.trouble)}"
    if standing.undefined:
        yield f"undefined in every trial: {', '.join(standing.undefined)}"
    ordered = standing.ranked
    if any(point.spreads[0].n for point in ordered):
        heads = [f"{each.name:>18}" for each in study.objectives]
        test = f"test_{study.tested_metric}"
        yield f"{'SETTING':<{LABEL_WIDTH}} {'RUNS':>5} {''.join(heads)}{test:>18}".rstrip()
    for point in ordered:
        yield point_line(point, study)
    if standing.chosen and len(standing.points) > 1:
        yield _choice(standing)
        shares = importance(standing)
        if shares:
            words = ", ".join(f"{path} {share:.0%}" for path, share in shares)
            yield f"share of the variance that each setting explains alone: {words}"
    yield from paired_lines(standing)


def _choice(standing: StudyStanding) -> str:
    labels = "; ".join(printable(point.label) for point in standing.chosen)
    if len(standing.study.objectives) == 1:
        return f"best: {labels}, by {standing.study.objectives[0].name}"
    return f"none is better by every objective than: {labels}"


def paired_lines(standing: StudyStanding) -> Iterator[str]:
    """The points beside the baseline, seed by seed; nothing where there is but one seed."""
    rows = paired_rows(standing) if standing.study.seeds > 1 else []
    if len(rows) < 2 or not rows[0].spread.n:
        return
    objective = standing.study.objectives[0]
    has_maps = any(row.maps.n for row in rows)
    yield ""
    maps = f" {'maps':>6}" if has_maps else ""
    yield f"{'BESIDE THE BASELINE':<{LABEL_WIDTH}} {'PAIRS':>5}{maps} {'difference':>12}  95 % interval"
    for row in rows[1:]:
        if row.difference is not None and row.difference.n:
            words = _difference(row.difference, objective)
            maps = f" {f'{row.maps.mean:.2f}' if row.maps.n else '-':>6}" if has_maps else ""
            yield f"{_short(row.point.label):<{LABEL_WIDTH}} {row.difference.n:>5}{maps} {words}"
    if has_maps:
        yield "maps: rank correlation of Grad-CAM with the baseline's, after the last epoch"


def _difference(found: PairedDifference, objective: Objective) -> str:
    mean = f"{_signed(found.mean, objective):>12}"
    if math.isnan(found.low):
        return f"{mean}  too few pairs to tell"
    verdict = "" if found.is_clear else "  not distinguishable"
    return f"{mean}  {_signed(found.low, objective)} to {_signed(found.high, objective)}{verdict}"


def _signed(value: float, objective: Objective) -> str:
    return ("-" if value < 0 else "+") + objective.format(abs(value))


def _short(label: str) -> str:
    text = printable(label)
    return text if len(text) <= LABEL_WIDTH else text[: LABEL_WIDTH - 3] + "..."


def counts_line(standing: StudyStanding) -> str:
    """How many trials stand how."""
    counts = ", ".join(f"{count} {state}" for state, count in sorted(standing.counts.items()))
    missing = standing.expected - len(standing.trials)
    more = f", {missing} to be proposed" if missing > 0 else ""
    trials = _many(standing.expected, "trial")
    return f"{standing.study.name}: {standing.over} of {trials} over ({counts or 'none made'}{more})"


def point_line(point: PointStanding, study: Study) -> str:
    """A point with its values over the seeds, and what the test split gave where it was read."""
    known = zip(point.spreads, study.objectives, strict=True)
    values = "".join(f"{spread_text(found, objective):>18}" for found, objective in known)
    runs = f"{point.spreads[0].n}/{len(point.trials)}"
    return f"{_short(point.label):<{LABEL_WIDTH}} {runs:>5} {values}{spread_text(point.test):>18}".rstrip()


def spread_text(found: Spread, objective: Objective | None = None) -> str:
    """A mean with its standard deviation, where there are values to have one."""
    if not found.n:
        return ""
    text = objective.format(found.mean) if objective is not None else f"{found.mean:.4f}"
    if math.isnan(found.sd):
        return text
    return f"{text} +-{objective.format(found.sd) if objective is not None else f'{found.sd:.4f}'}"


def standing_record(standing: StudyStanding) -> dict[str, Any]:
    """A study as one JSON object."""
    study = standing.study
    return {
        "name": study.name,
        "path": str(standing.folder.path),
        "sampler": study.sampler,
        "expected": standing.expected,
        "over": standing.over,
        "complete": standing.is_complete,
        "live": standing.is_live,
        "objectives": [{"name": each.name, "direction": each.direction} for each in study.objectives],
        "best": standing.best.point if standing.best is not None else None,
        "importance": dict(importance(standing)),
        "trouble": standing.trouble,
        "trials": [
            {
                "id": each.trial.id,
                "point": each.trial.point,
                "seed": each.trial.seed,
                "state": each.state,
                "values": without_nan(each.values),
                "path": str(each.run.path),
                "why": each.row.why if each.row is not None else "",
                "test": without_nan(dict(each.row.test)) if each.row is not None else {},
            }
            for each in standing.trials
        ],
    }
