"""A comparison with what follows from it, as lines for people, as Markdown and as one JSON object."""

from __future__ import annotations

import string
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from xaitui.evaluation.map_similarity import MAPS_SCORE
from xaitui.evaluation.seed_groups import SeedGroup, group_by_seed
from xaitui.evaluation.significance import LEVEL, PairedTest, Significance, SplitName, tell_apart
from xaitui.metrics.format import without_nan
from xaitui.report.comparison_tables import (
    group_text,
    groups_table,
    has_seeds,
    interval_text,
    judged_scores,
    p_text,
    run_labels,
    runs_table,
    settings_table,
    tests_table,
    untested_lines,
)
from xaitui.report.tables import Table, markdown_text, to_markdown
from xaitui.runs.listing.comparison import Comparison, Score, Setting
from xaitui.text import printable

WIDTH = 79
NAME_WIDTH = 23
CELL_WIDTH = 18
SIGNS = {1: " ^", -1: " v", 0: ""}
"""Better and worse, in letters that any terminal has."""


@dataclass(frozen=True)
class Compared:
    """Runs beside each other, the groups that they form, and whether they can be told apart."""

    comparison: Comparison
    groups: tuple[SeedGroup, ...]
    significance: Significance

    @staticmethod
    def read(comparison: Comparison, split: SplitName) -> Compared:
        """Work out what follows from a comparison; the predictions of `split` are read."""
        runs = [row.run for row in comparison.runs]
        return Compared(comparison, group_by_seed(comparison), tell_apart(runs, comparison.baseline, split))


def text_lines(compared: Compared) -> Iterator[str]:
    """Everything, within 80 columns."""
    yield from _comparison_lines(compared)
    if has_seeds(compared.groups):
        yield ""
        yield from _group_lines(compared)
    yield ""
    yield from _test_lines(compared)


def _comparison_lines(compared: Compared) -> Iterator[str]:
    comparison = compared.comparison
    for index, row in enumerate(comparison.runs):
        name = f"  {printable(row.name)}" if row.name and row.name not in row.id else ""
        mark = "  (baseline)" if index == comparison.baseline else ""
        yield f"{letter(index)}  {printable(row.id)}  {row.state}{name}{mark}"
    if len(comparison.runs) <= MOST_APART or not has_seeds(compared.groups):
        yield from _score_lines(comparison)
    yield ""
    yield "SETTINGS THAT DIFFER (* is the default)" if comparison.settings else "no setting differs"
    for setting in comparison.settings:
        yield from _setting_lines(setting)


def _score_lines(comparison: Comparison) -> Iterator[str]:
    others = [index for index in range(len(comparison.runs)) if index != comparison.baseline]
    for part in _parts(others, _MOST_CELLS - 1):
        yield ""
        yield from _table(comparison, [comparison.baseline, *part])
    yield ""
    yield f"^ better, v worse than {letter(comparison.baseline)}"
    if any(score.name == MAPS_SCORE for score in comparison.scores):
        yield f"{MAPS_SCORE}: rank correlation of Grad-CAM with the baseline's"


MOST_APART = 6
"""Runs up to which each has its scores shown, where there are means over seeds to be read instead."""


_MOST_CELLS = (WIDTH - NAME_WIDTH) // CELL_WIDTH


def _parts(indices: Sequence[int], length: int) -> Iterator[Sequence[int]]:
    for first in range(0, len(indices), length):
        yield indices[first : first + length]


def letter(index: int) -> str:
    """A, B, ... Z, AA, AB, ..."""
    rest, place = divmod(index, 26)
    return (letter(rest - 1) if rest else "") + string.ascii_uppercase[place]


def _row(name: str, cells: Iterable[str]) -> str:
    return "".join([name.ljust(NAME_WIDTH), *(cell.ljust(CELL_WIDTH) for cell in cells)]).rstrip()


def _table(comparison: Comparison, columns: list[int]) -> Iterator[str]:
    yield _row("SCORE", map(letter, columns))
    for score in comparison.scores:
        yield _row(score.name, (_cell(score, index, comparison.baseline) for index in columns))


def _cell(score: Score, run: int, baseline: int) -> str:
    words = [score.text(score.values[run]), score.difference_text(run, baseline)]
    return " ".join(filter(None, words)) + SIGNS[score.verdict(run, baseline)]


def _setting_lines(setting: Setting) -> list[str]:
    """The values, each with the runs that have it."""
    having: dict[str, list[str]] = {}
    for index, (value, is_default) in enumerate(zip(setting.values, setting.defaults, strict=True)):
        having.setdefault(printable(value) + ("*" if is_default else ""), []).append(letter(index))
    words = ";  ".join(f"{','.join(letters)} {value}" for value, letters in having.items())
    return _wrapped(f"{setting.path:<{NAME_WIDTH - 1}} {words}", NAME_WIDTH)


def _wrapped(line: str, indent: int) -> list[str]:
    return textwrap.wrap(line, WIDTH, subsequent_indent=" " * indent, break_on_hyphens=False)


def _group_lines(compared: Compared) -> Iterator[str]:
    """The groups by number, and a column of means for each of them."""
    yield "OVER SEEDS (mean +- standard deviation)"
    names = [f"S{number}" for number in range(1, len(compared.groups) + 1)]
    for name, group in zip(names, compared.groups, strict=True):
        seeds = f"seed{'s' * (len(group.seeds) > 1)} {', '.join(group.seeds)}"
        words = "  ".join(
            filter(None, [name, printable(group.label), f"{seeds}: {', '.join(map(letter, group.runs))}"])
        )
        yield from _wrapped(words, len(name) + 2)
    for part in _parts(range(len(names)), _MOST_CELLS):
        yield ""
        yield _row("SCORE", (names[index] for index in part))
        for score in judged_scores(compared.comparison):
            yield _row(score.name, (group_text(compared.groups[index], score, ("", " ^", " v")) for index in part))
    if any(each.is_clear for group in compared.groups for each in group.differences.values()):
        yield ""
        yield "^ better, v worse than the baseline's: the paired 95 % interval leaves out 0"


def _test_lines(compared: Compared) -> Iterator[str]:
    """A verdict for each run, and why there is none."""
    found, comparison = compared.significance, compared.comparison
    if found.tests:
        how = "bootstrap" if found.tests[0].several_labels else "McNemar's test"
        yield f"DIFFERENT AT ALL? (accuracy on {found.split}, 95 % interval; {how}, p by Holm)"
    for test in found.tests:
        yield from _wrapped(_verdict(test, comparison.baseline), 3)
    letters = [letter(index) for index in range(len(comparison.runs))]
    for line in untested_lines(letters, found):
        yield from _wrapped(line, 12)


def _verdict(test: PairedTest, baseline: int) -> str:
    joint = "from" if test.verdict == "not distinguishable" else "than"
    return (
        f"{letter(test.run)}  {test.verdict} {joint} {letter(baseline)}: {interval_text(test)}, "
        f"{test.only_run}:{test.only_baseline} of {test.images:,} images, p {p_text(test.adjusted)}"
    )


def markdown_lines(compared: Compared) -> Iterator[str]:
    """The tables, each below its heading."""
    comparison, found = compared.comparison, compared.significance
    yield from _headed("Runs", runs_table(comparison))
    if has_seeds(compared.groups):
        yield ""
        yield from _headed("Over seeds (mean +- standard deviation)", groups_table(comparison, compared.groups))
    yield ""
    if found.tests:
        yield from _headed(f"Different at all? ({found.split})", tests_table(comparison, found))
        yield ""
    reasons = untested_lines(run_labels(comparison), found)
    yield from (line for reason in reasons for line in (markdown_text(reason), ""))
    if comparison.settings:
        yield from _headed("Settings that differ (* is the default)", settings_table(comparison))
    else:
        yield "No setting differs."


def _headed(title: str, table: Table) -> list[str]:
    return [f"### {markdown_text(title)}", "", *to_markdown(table).splitlines()]


def json_record(compared: Compared) -> dict[str, Any]:
    """Everything as numbers; what is not finite is null."""
    comparison, found = compared.comparison, compared.significance
    ids = [row.id for row in comparison.runs]
    record = {
        "runs": [{"id": row.id, "path": str(row.run.path), "state": row.state} for row in comparison.runs],
        "baseline": ids[comparison.baseline],
        "scores": [
            {
                "name": score.name,
                "better": score.direction or None,
                "values": list(score.values),
                "differences": [score.difference(run, comparison.baseline) for run in range(len(ids))],
            }
            for score in comparison.scores
        ],
        "settings": [
            {"path": setting.path, "values": list(setting.values), "defaults": list(setting.defaults)}
            for setting in comparison.settings
        ],
        "groups": [
            {
                "label": group.label,
                "runs": [ids[run] for run in group.runs],
                "seeds": list(group.seeds),
                "scores": {name: asdict(each) for name, each in group.spreads.items()},
                "differences": {name: asdict(each) for name, each in group.differences.items()},
            }
            for group in compared.groups
        ],
        "tests": {
            "split": found.split,
            "level": LEVEL,
            "pairs": [{**asdict(each), "run": ids[each.run], "verdict": each.verdict} for each in found.tests],
            "untested": [{"run": ids[run], "why": why} for run, why in found.untested.items()],
        },
        "troubles": list(comparison.troubles),
    }
    finite: dict[str, Any] = without_nan(record)
    return finite
