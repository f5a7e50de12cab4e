"""Similarity of the training maps of two runs: of the same images, after the last epoch."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from xaitui.errors import DataError
from xaitui.evaluation.seed_groups import SEED, group_by_seed
from xaitui.metrics.rank_correlation import rank_correlation
from xaitui.runs.directory import RunDirectory
from xaitui.runs.explanations.training_maps import read_watched
from xaitui.runs.listing.comparison import Comparison, Score
from xaitui.runs.listing.settings import read_settings

MAPS_SCORE = "maps_rank_corr"
"""Name of the score in tables of runs."""


def maps_likeness(run: RunDirectory, baseline: RunDirectory) -> float:
    """Spearman's rank correlation of the Grad-CAM maps of two runs after their last epochs, mean over the images.

    NaN if a run has no maps, if the maps are not of the same images at the same size (as with seeds that cut different
    validation images), or if all maps are constant.
    """
    one, other = read_watched(run), read_watched(baseline)
    if one is None or other is None or not (one.rows and other.rows and one.probe.is_same(other.probe)):
        return math.nan
    try:
        maps, theirs = one.maps(one.epochs[-1]), other.maps(other.epochs[-1])
    except DataError:
        return math.nan
    if maps.shape != theirs.shape:
        return math.nan
    found = rank_correlation(maps, theirs)
    known = found[np.isfinite(found)]
    return float(known.mean()) if len(known) else math.nan


def with_maps(comparison: Comparison) -> Comparison:
    """Add a score: the similarity of each run's maps to those of the baseline's settings with the same seed.

    Neither direction is better. If no similarity is defined, the comparison is returned unchanged.
    """
    groups = group_by_seed(comparison)
    pinned = next((group for group in groups if comparison.baseline in group.runs), None)
    partners = dict(zip(pinned.seeds, pinned.runs, strict=True)) if pinned is not None else {}
    values = []
    for index, row in enumerate(comparison.runs):
        partner = partners.get(str(read_settings(row.run).get(SEED, "")), comparison.baseline)
        values.append(math.nan if partner == index else maps_likeness(row.run, comparison.runs[partner].run))
    if all(map(math.isnan, values)):
        return comparison
    return replace(comparison, scores=(*comparison.scores, Score(MAPS_SCORE, "", tuple(values))))
