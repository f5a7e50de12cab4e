"""`xaitui compare`: some runs beside each other, as text or for other programs."""

from __future__ import annotations

import json as json_module
from typing import Annotated, cast, get_args

import typer

from xaitui.cli.arguments import RunsDir
from xaitui.cli.completion import complete_run, complete_runs, one_of
from xaitui.cli.output.compare import Compared, json_record, markdown_lines, text_lines
from xaitui.cli.output.streams import put, say
from xaitui.errors import UsageError, nearest
from xaitui.evaluation.map_similarity import with_maps
from xaitui.evaluation.significance import SplitName
from xaitui.report.comparison_tables import numbers_table
from xaitui.report.tables import to_csv
from xaitui.runs.find import find_run, find_runs
from xaitui.runs.folder import runs_folder
from xaitui.runs.listing.comparison import Comparison, compare
from xaitui.text import printable

RunWords = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN",
        help="Ids, beginnings, names, '*patterns*', paths, last, best:val_auc, study:NAME.",
        autocompletion=complete_runs,
    ),
]


def command(
    words: RunWords,
    baseline: Annotated[
        str,
        typer.Option(
            "--baseline",
            metavar="RUN",
            help="What the others are compared with; the first.",
            autocompletion=complete_run,
        ),
    ] = "",
    split: Annotated[
        str,
        typer.Option(
            "--split",
            help="Whose predictions tell whether runs differ: val or test.",
            autocompletion=one_of(("val", "test")),
        ),
    ] = "val",
    curves: Annotated[bool, typer.Option("--curves", help="Draw loss and accuracy of the validation, too.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="A line a run: scores, and the settings that differ.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Tables in Markdown.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    runs_dir: RunsDir = None,
) -> int:
    """Compare runs: scores, means over seeds, the settings that differ, and whether the runs differ at all."""
    if csv + markdown + json + curves > 1:
        raise UsageError("--curves, --csv, --markdown and --json are different outputs; choose one of them")
    whose = known_split(split)
    folder = runs_folder(runs_dir)
    runs = find_runs(words, folder)
    index = 0
    if baseline:
        pinned = find_run(baseline, folder)
        if pinned not in runs:
            raise UsageError(f"the baseline {pinned.id} is none of the runs that are compared; name it among them")
        index = runs.index(pinned)
    comparison = with_maps(compare(runs, index))
    if csv:
        put(to_csv(numbers_table(comparison)).rstrip("\n"))
    else:
        _put(Compared.read(comparison, whose), as_json=json, as_markdown=markdown, with_curves=curves)
    for trouble in comparison.troubles:
        say(printable(trouble))
    return 0


def known_split(word: str) -> SplitName:
    """The split that a word names.

    Raises:
        UsageError: there are no predictions of such a split.
    """
    if word not in get_args(SplitName):
        raise UsageError(f"there are no predictions of {word!r}{nearest(word, get_args(SplitName))}")
    return cast(SplitName, word)


def _put(compared: Compared, *, as_json: bool, as_markdown: bool, with_curves: bool) -> None:
    if as_json:
        put(json_module.dumps(json_record(compared), allow_nan=False))
        return
    for line in markdown_lines(compared) if as_markdown else text_lines(compared):
        put(line)
    if with_curves:
        _put_curves(compared.comparison)


def _put_curves(comparison: Comparison) -> None:
    from xaitui.cli.output.compare_curves import put_curves  # plotext is paid for by whoever wants plots

    put_curves(comparison)
