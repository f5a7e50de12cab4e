"""Groups of runs that differ only by seed: their spread, and their difference from the baseline's group."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xaitui.metrics.statistics import PairedDifference, Spread, paired_difference, spread
from xaitui.runs.listing.comparison import Comparison, Setting
from xaitui.runs.listing.settings import read_settings

SEED = "training.seed"
_NO_SETTING = (SEED, "run.", "resolved.")
"""Settings that do not separate groups: the seed, the name, and the machine's choices."""


@dataclass(frozen=True)
class SeedGroup:
    """Runs that differ only by their seed."""

    label: str
    """The settings that distinguish it from the other groups; empty if there is only one."""
    runs: tuple[int, ...]
    """Indices in the comparison; of runs with the same seed only the first, because a repetition adds no sample."""
    seeds: tuple[str, ...]
    """Seed of each run."""
    spreads: Mapping[str, Spread]
    """Spread of each score, by its name."""
    differences: Mapping[str, PairedDifference]
    """Paired difference of each score from the baseline's group over common seeds; empty for that group."""


def group_by_seed(comparison: Comparison) -> tuple[SeedGroup, ...]:
    """The groups of a comparison, in the order of their first runs; a run without settings belongs to none."""
    settings = [each for each in comparison.settings if not each.path.startswith(_NO_SETTING)]
    seeds = [str(read_settings(row.run).get(SEED, "")) for row in comparison.runs]
    members: dict[tuple[str, ...], dict[str, int]] = {}
    for run, seed in enumerate(seeds):
        if seed:
            members.setdefault(tuple(each.values[run] for each in settings), {}).setdefault(seed, run)
    labels = _labels(settings, list(members))
    pinned = next((group for group in members.values() if comparison.baseline in group.values()), {})
    return tuple(
        SeedGroup(
            label=label,
            runs=tuple(group.values()),
            seeds=tuple(group),
            spreads={score.name: spread([score.values[run] for run in group.values()]) for score in comparison.scores},
            differences=_differences(comparison, group, pinned) if group is not pinned else {},
        )
        for label, group in zip(labels, members.values(), strict=True)
    )


def _labels(settings: Sequence[Setting], keys: Sequence[tuple[str, ...]]) -> list[str]:
    """Labels of the groups: setting=value, with the table's name only if two tables have the setting."""
    telling = [place for place in range(len(settings)) if len({key[place] for key in keys}) > 1]
    short = [settings[place].path.rpartition(".")[2] for place in telling]
    names = [
        name if short.count(name) == 1 else settings[place].path for name, place in zip(short, telling, strict=True)
    ]
    return [", ".join(f"{name}={key[place]}" for name, place in zip(names, telling, strict=True)) for key in keys]


def _differences(
    comparison: Comparison, group: Mapping[str, int], pinned: Mapping[str, int]
) -> dict[str, PairedDifference]:
    seeds = [seed for seed in group if seed in pinned]
    return {
        score.name: paired_difference(
            [score.values[group[seed]] for seed in seeds], [score.values[pinned[seed]] for seed in seeds]
        )
        for score in comparison.scores
        if not all(math.isnan(score.values[run]) for run in group.values())
    }
