"""Importance of each varied setting for the objective."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from xaitui.config.toml import to_values
from xaitui.studies.space import Range
from xaitui.studies.status import StudyStanding, TrialState

LEAST = 4
"""Finished trials from which on a share can be told."""
BINS = 4
"""Equal parts into which the values of a range are sorted."""


def importance(standing: StudyStanding) -> list[tuple[str, float]]:
    """The share of the objective's variance that each setting explains by itself, from 0 to 1, the largest first.

    This is the correlation ratio (Pearson 1905), eta squared: the variance between the means of the setting's values
    over the whole variance. Shares need not add up to one: settings act together, and seeds differ. Values of a range
    are sorted into equal parts. Where a setting was varied alone, only the trials that varied it or nothing count.
    """
    study = standing.study
    finished = [
        (to_values(each.trial.config), each.trial.point, each.values[0])
        for each in standing.trials
        if each.state is TrialState.FINISHED and not math.isnan(each.values[0])
    ]
    alone = study.sampler == "one-at-a-time"
    shares = []
    for path, dimension in study.space.items():
        rows = [row for row in finished if not alone or path in row[1] or not row[1]]
        values = _groups([row[0].get(path) for row in rows], isinstance(dimension, Range) and not dimension.step)
        share = eta_squared(values, [row[2] for row in rows])
        if share is not None:
            shares.append((path, share))
    return sorted(shares, key=lambda item: -item[1])


def eta_squared(groups: Sequence[Any], values: Sequence[float]) -> float | None:
    """The variance between groups over the whole variance; None where there is too little to tell."""
    if len(values) < LEAST or len(set(groups)) < 2:
        return None
    mean = fmean(values)
    whole = sum((value - mean) ** 2 for value in values)
    if whole <= 0:
        return 0.0
    members: Mapping[Any, list[float]] = {group: [] for group in groups}
    for group, value in zip(groups, values, strict=True):
        members[group].append(value)
    between = sum(len(each) * (fmean(each) - mean) ** 2 for each in members.values())
    return min(between / whole, 1.0)


def _groups(values: Sequence[Any], is_range: bool) -> list[Any]:
    if not is_range:
        return list(values)
    order = sorted(range(len(values)), key=lambda index: values[index])
    ranks = {index: rank for rank, index in enumerate(order)}
    return [ranks[index] * BINS // len(values) for index in range(len(values))]
