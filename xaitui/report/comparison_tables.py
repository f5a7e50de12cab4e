"""A comparison as tables: its runs, what they have in common over seeds, what tells them apart."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xaitui.evaluation.seed_groups import SEED, SeedGroup
from xaitui.evaluation.significance import PairedTest, Significance
from xaitui.metrics.statistics import Spread
from xaitui.report.tables import Table
from xaitui.runs.listing.comparison import Comparison, Score
from xaitui.runs.listing.settings import read_settings

MOST_COLUMNS = 4
"""Runs up to which each has a column of the settings that differ; of more, each has a row."""


def run_labels(comparison: Comparison) -> tuple[str, ...]:
    """What runs are called in tables and figures: their names where each has its own, as trials do, else short ids."""
    names = tuple(row.name for row in comparison.runs)
    return names if all(names) and len(set(names)) == len(names) else comparison.labels


def runs_table(comparison: Comparison) -> Table:
    """A row for each run: what it is, how it stands, and its scores; validation's are those of the best epoch."""
    header = ["run", "id", "state", "seed", "best epoch", *(score.name for score in comparison.scores)]
    rows = []
    for index, (label, row) in enumerate(zip(run_labels(comparison), comparison.runs, strict=True)):
        mark = " (baseline)" if index == comparison.baseline and len(comparison.runs) > 1 else ""
        seed = str(read_settings(row.run).get(SEED, "-"))
        scores = (score.text(score.values[index]) for score in comparison.scores)
        rows.append([label + mark, row.id, str(row.state), seed, str(row.best_epoch or "-"), *scores])
    return Table(header, rows)


def numbers_table(comparison: Comparison) -> Table:
    """A row for each run for programs: its scores with all their digits, and the settings that differ."""
    header = [
        "run",
        "state",
        *(score.name for score in comparison.scores),
        *(each.path for each in comparison.settings),
    ]
    rows = []
    for index, row in enumerate(comparison.runs):
        scores = (_digits(score.values[index]) for score in comparison.scores)
        rows.append([row.id, str(row.state), *scores, *(each.values[index] for each in comparison.settings)])
    return Table(header, rows)


def _digits(value: float) -> str:
    return "" if math.isnan(value) else repr(value)


def settings_table(comparison: Comparison) -> Table:
    """The settings that differ; "*" marks what nobody chose."""
    labels = run_labels(comparison)
    columns = [
        (each.path, *(value + "*" * is_default for value, is_default in zip(each.values, each.defaults, strict=True)))
        for each in comparison.settings
    ]
    if len(labels) <= MOST_COLUMNS:
        return Table(["setting", *labels], columns)
    rows = list(zip(labels, *(column[1:] for column in columns), strict=True))
    return Table(["run", *(each.path for each in comparison.settings)], rows)


def groups_table(comparison: Comparison, groups: Sequence[SeedGroup]) -> Table:
    """A row for each group of seeds: mean and standard deviation, and whether it is better or worse than the baseline's
    with an interval of the paired difference that leaves out zero.
    """
    scores = judged_scores(comparison)
    rows = [
        [group.label or "all", str(len(group.runs)), *(group_text(group, score) for score in scores)]
        for group in groups
    ]
    return Table(["settings", "seeds", *(score.name for score in scores)], rows)


def judged_scores(comparison: Comparison) -> list[Score]:
    """The scores of which one end is better."""
    return [score for score in comparison.scores if score.direction]


def group_text(group: SeedGroup, score: Score, signs: Sequence[str] = ("", " better", " worse")) -> str:
    """Mean and deviation of a score, and which way it clearly differs: neither, upwards, downwards."""
    found = group.spreads[score.name]
    difference = group.differences.get(score.name)
    sign = signs[0]
    if difference is not None and difference.is_clear:
        sign = signs[1] if (difference.mean > 0) == (score.direction == "max") else signs[2]
    return spread_text(found, score) + sign


def spread_text(found: Spread, score: Score) -> str:
    """A mean, with its standard deviation where there is one."""
    return score.text(found.mean) + ("" if math.isnan(found.sd) else f" +-{score.text(found.sd)}")


def has_seeds(groups: Sequence[SeedGroup]) -> bool:
    """Whether any setting was tried with several seeds."""
    return any(len(group.runs) > 1 for group in groups)


def tests_table(comparison: Comparison, found: Significance) -> Table:
    """A row for each run that was tested against the baseline."""
    labels = run_labels(comparison)
    rows = [
        [
            labels[test.run],
            test.verdict,
            interval_text(test),
            f"{test.only_run}:{test.only_baseline}",
            str(test.images),
            p_text(test.p),
            p_text(test.adjusted),
        ]
        for test in found.tests
    ]
    header = ["run", "verdict", "difference of accuracy, 95 % interval", "right alone", "images", "p", "p by Holm"]
    return Table(header, rows)


def interval_text(test: PairedTest) -> str:
    """A difference and its interval."""
    return f"{test.difference:+.4f} [{test.low:+.4f}, {test.high:+.4f}]"


def p_text(p: float) -> str:
    """A chance as papers write it."""
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}"


def untested_lines(names: Sequence[str], found: Significance) -> list[str]:
    """Why runs were not tested, a line for each reason."""
    by_reason: dict[str, list[str]] = {}
    for run, why in found.untested.items():
        by_reason.setdefault(why, []).append(names[run])
    return [f"not tested: {', '.join(runs)} ({why})" for why, runs in by_reason.items()]
