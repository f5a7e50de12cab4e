"""`xaitui compare`: some runs beside each other, as text."""

from __future__ import annotations

import json as json_module
import math
import string
import textwrap
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from xaitui.cli.opening import runs_folder
from xaitui.cli.places import RunsDir
from xaitui.cli.streams import put, say
from xaitui.errors import UsageError
from xaitui.runs.comparison import Comparison, Score, Setting, compare
from xaitui.runs.find import find_run
from xaitui.text import printable

WIDTH = 79
NAME_WIDTH = 23
CELL_WIDTH = 18
SIGNS = {1: " ^", -1: " v", 0: ""}
"""Better and worse, in letters that any terminal has."""


def command(
    words: Annotated[
        list[str], typer.Argument(metavar="RUN", help="Ids or their beginnings, names, paths, last, best:val_auc.")
    ],
    baseline: Annotated[
        str, typer.Option("--baseline", metavar="RUN", help="What the others are compared with; the first.")
    ] = "",
    runs_dir: RunsDir = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> int:
    """Compare runs: their scores, how these differ from the baseline's, and the settings that differ."""
    folder = runs_folder(runs_dir)
    runs = [find_run(word, folder) for word in words]
    index = 0
    if baseline:
        pinned = find_run(baseline, folder)
        if pinned not in runs:
            raise UsageError(f"the baseline {pinned.id} is none of the runs that are compared; name it among them")
        index = runs.index(pinned)
    comparison = compare(runs, index)
    if json:
        put(json_module.dumps(_record(comparison), allow_nan=False))
        return 0
    for line in _lines(comparison):
        put(line)
    for trouble in comparison.troubles:
        say(printable(trouble))
    return 0


def _lines(comparison: Comparison) -> Iterator[str]:
    for index, row in enumerate(comparison.runs):
        mark = "  (baseline)" if index == comparison.baseline else ""
        yield f"{_letter(index)}  {printable(row.id)}  {row.state}{mark}"
    others = [index for index in range(len(comparison.runs)) if index != comparison.baseline]
    most = (WIDTH - NAME_WIDTH) // CELL_WIDTH - 1
    for first in range(0, len(others), most):
        yield ""
        yield from _table(comparison, [comparison.baseline, *others[first : first + most]])
    yield ""
    yield f"^ better, v worse than {_letter(comparison.baseline)}"
    yield ""
    yield "SETTINGS THAT DIFFER (* is the default)" if comparison.settings else "no setting differs"
    for setting in comparison.settings:
        yield from _setting_lines(setting)


def _letter(index: int) -> str:
    """A, B, ... Z, AA, AB, ..."""
    rest, place = divmod(index, 26)
    return (_letter(rest - 1) if rest else "") + string.ascii_uppercase[place]


def _table(comparison: Comparison, columns: list[int]) -> Iterator[str]:
    yield "".join(["SCORE".ljust(NAME_WIDTH), *(_letter(index).ljust(CELL_WIDTH) for index in columns)]).rstrip()
    for score in comparison.scores:
        cells = [_cell(score, index, comparison.baseline).ljust(CELL_WIDTH) for index in columns]
        yield "".join([score.name.ljust(NAME_WIDTH), *cells]).rstrip()


def _cell(score: Score, run: int, baseline: int) -> str:
    words = [score.text(score.values[run]), score.difference_text(run, baseline)]
    return " ".join(filter(None, words)) + SIGNS[score.verdict(run, baseline)]


def _setting_lines(setting: Setting) -> list[str]:
    """The values, each with the runs that have it."""
    having: dict[str, list[str]] = {}
    for index, (value, is_default) in enumerate(zip(setting.values, setting.defaults, strict=True)):
        having.setdefault(printable(value) + ("*" if is_default else ""), []).append(_letter(index))
    words = ";  ".join(f"{','.join(letters)} {value}" for value, letters in having.items())
    head = f"{setting.path:<{NAME_WIDTH - 1}} "
    return textwrap.wrap(head + words, WIDTH, subsequent_indent=" " * NAME_WIDTH, break_on_hyphens=False)


def _record(comparison: Comparison) -> dict[str, Any]:
    ids = [row.id for row in comparison.runs]
    return {
        "runs": [{"id": row.id, "path": str(row.run.path), "state": row.state} for row in comparison.runs],
        "baseline": ids[comparison.baseline],
        "scores": [
            {"name": score.name, "better": score.direction or None, "values": list(map(_finite, score.values)),
             "differences": [_finite(score.difference(run, comparison.baseline)) for run in range(len(ids))]}
            for score in comparison.scores
        ],
        "settings": [
            {"path": setting.path, "values": list(setting.values), "defaults": list(setting.defaults)}
            for setting in comparison.settings
        ],
        "troubles": list(comparison.troubles),
    }  # fmt: skip


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
