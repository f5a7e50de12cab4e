"""Each setting of a study beside its baseline, seed by seed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from xaitui.evaluation.map_similarity import maps_likeness
from xaitui.metrics.statistics import PairedDifference, Spread, paired_difference, spread
from xaitui.studies.status import PointStanding, StudyStanding, TrialStanding, TrialState
from xaitui.studies.trials import point_key


@dataclass(frozen=True)
class PairedRow:
    """One point: what it reached, and how much more that is than the baseline's."""

    point: PointStanding
    spread: Spread
    difference: PairedDifference | None
    """None for the baseline itself."""
    maps: Spread
    """How alike its maps are to the baseline's, over the seeds of which both kept maps of the same images."""


def paired_rows(standing: StudyStanding) -> list[PairedRow]:
    """The points, the baseline first, by the first objective; nothing where the base itself is not among them.

    Runs of the same seed are a pair: they have the same split of the data, and the same order of it.
    """
    base = point_key(standing.study.base)
    keyed = {point_key(point.trials[0].trial.config): point for point in standing.points}
    if base not in keyed:
        return []
    baseline = keyed.pop(base)
    rows = [
        PairedRow(point, point.spreads[0], difference(point, baseline), maps_beside(point, baseline))
        for point in keyed.values()
    ]
    return [PairedRow(baseline, baseline.spreads[0], None, spread([])), *rows]


def difference(point: PointStanding, baseline: PointStanding, scale: float = 1.0) -> PairedDifference:
    """How much more of the first objective a point has than another, over the seeds that both have finished."""
    ours, theirs = _by_seed(point), _by_seed(baseline)
    seeds = sorted(ours.keys() & theirs.keys())
    return paired_difference([scale * ours[seed] for seed in seeds], [scale * theirs[seed] for seed in seeds])


def maps_beside(point: PointStanding, baseline: PointStanding) -> Spread:
    """The rank correlation of the maps that two points kept of the same images, over the seeds that both finished."""
    ours, theirs = _finished(point), _finished(baseline)
    return spread([maps_likeness(ours[seed].run, theirs[seed].run) for seed in sorted(ours.keys() & theirs.keys())])


def _by_seed(point: PointStanding) -> Mapping[int, float]:
    return {seed: each.values[0] for seed, each in _finished(point).items() if not math.isnan(each.values[0])}


def _finished(point: PointStanding) -> Mapping[int, TrialStanding]:
    return {each.trial.seed: each for each in point.trials if each.state is TrialState.FINISHED}
