"""Gathers what a report says of some runs; what cannot be read is said in its place."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from xaitui.data.dataset import Dataset
from xaitui.errors import DataError
from xaitui.evaluation.seed_groups import group_by_seed
from xaitui.evaluation.significance import SplitName, tell_apart
from xaitui.report.caveats import cuts_of, warnings_of
from xaitui.report.comparison_tables import (
    groups_table,
    has_seeds,
    run_labels,
    runs_table,
    settings_table,
    tests_table,
    untested_lines,
)
from xaitui.report.curves import curve_drawings
from xaitui.report.document import Block, Drawing, Report, Section
from xaitui.report.figures import confusion_figure
from xaitui.report.mistakes import class_names, confusion_matrix, label_table, worst_mistakes
from xaitui.report.tables import Table
from xaitui.runs.dataset import open_data
from xaitui.runs.directory import RunDirectory
from xaitui.runs.listing.comparison import Comparison, compare
from xaitui.runs.listing.settings import read_settings
from xaitui.runs.predictions import Predictions, read_predictions
from xaitui.system.damaged_files import RECORD_DAMAGE

MOST_SHOWN = 3
"""Runs up to which a report shows each of them closely; of more, the best one."""
SPLITS: dict[SplitName, str] = {"val": "validation", "test": "test"}


def build_report(runs: Sequence[RunDirectory], words: Sequence[str], title: str) -> Report:
    """Gather the report of some runs.

    Args:
        runs: the runs, the first of which is the baseline.
        words: what the user called them, with the options that find them: makes the commands that are shown.
        title: of the report.
    """
    comparison = compare(runs, least=1)
    sections = list(_together(comparison, words))
    for index in _closely(comparison):
        sections += _alone(comparison, index, words)
    warnings = warnings_of(comparison, run_labels(comparison))
    return Report(title, warnings, sections, _command("report", words))


def _command(name: str, words: Sequence[str], *options: str) -> str:
    return shlex.join(["xaitui", name, *words, *options])


def _together(comparison: Comparison, words: Sequence[str]) -> Iterator[Section]:
    """What is said of all runs."""
    several = len(comparison.runs) > 1
    again = _command("compare", words, "--markdown") if several else _command("report", words)
    groups = group_by_seed(comparison)
    yield Section("Runs", [runs_table(comparison)], again)
    if several:
        if has_seeds(groups):
            yield Section("Over seeds (mean +- standard deviation)", [groups_table(comparison, groups)], again)
        yield Section("Different at all?", _tests(comparison), again)
        differing = settings_table(comparison) if comparison.settings else "No setting differs."
        yield Section("Settings that differ (* is the default)", [differing], again)
    drawn = curve_drawings(comparison, groups)
    curves = _command("compare", words, "--curves") if several else _command("report", words)
    yield Section("Curves", drawn or ["No epoch is over yet."], curves)


def _tests(comparison: Comparison) -> list[Block]:
    found = tell_apart([row.run for row in comparison.runs], comparison.baseline, "val")
    how = (
        "Each run against the baseline on the same validation images: McNemar's exact test (of several labels a "
        "bootstrap), corrected by Holm; the interval is that of a paired bootstrap."
    )
    tested: list[Block] = [how, tests_table(comparison, found)] if found.tests else []
    return [*tested, *untested_lines(run_labels(comparison), found)]


def _closely(comparison: Comparison) -> list[int]:
    """The runs that are shown by themselves."""
    count = len(comparison.runs)
    if count <= MOST_SHOWN:
        return list(range(count))
    signs = {"max": 1, "min": -1}
    rows = comparison.runs
    known = [index for index in range(count) if not math.isnan(rows[index].best)]
    best = max(known, key=lambda index: signs.get(rows[index].mode, 1) * rows[index].best, default=comparison.baseline)
    return [best]


def _alone(comparison: Comparison, index: int, words: Sequence[str]) -> Iterator[Section]:
    """What is said of one run."""
    row, label = comparison.runs[index], run_labels(comparison)[index]
    run, again = row.run, _command("report", words)
    opened, trouble = _opened(run)
    predictions, why = _predictions(run, "val")
    drawn: list[Block] = [] if predictions is not None else [f"{label}: {why}."]
    for split in SPLITS:
        found = predictions if split == "val" else _predictions(run, split)[0]
        if found is not None:
            names = class_names(row.dataset, opened, found.probabilities.shape[1])
            title = f"{SPLITS[split].capitalize()} of {label}"
            drawn.append(_confusion(f"confusion-{split}-{index + 1}", title, found, names, cuts_of(row)))
    yield Section(f"Confusion: {label}", drawn, again)
    if predictions is not None:
        yield Section(
            f"Worst mistakes: {label}", [_mistakes(f"mistake-{index + 1}", predictions, opened, trouble)], again
        )
    rows = [[path, text] for path, value in read_settings(run).items() for text in _texts(value)]
    yield Section(f"All settings: {label}", [Table(["setting", "value"], rows)], folded=True)
    yield Section(f"Environment: {label}", [_environment(run)], folded=True)


def _opened(run: RunDirectory) -> tuple[Dataset | None, str]:
    try:
        return open_data(run), ""
    except DataError as error:
        return None, str(error)


def _predictions(run: RunDirectory, split: SplitName) -> tuple[Predictions | None, str]:
    try:
        return read_predictions(run.predictions / f"{split}.npz"), ""
    except DataError as error:
        return None, str(error)


def _confusion(name: str, title: str, predictions: Predictions, names: Sequence[str], note: str) -> Block:
    if predictions.has_several_labels:
        return label_table(predictions, names)
    try:
        matrix = confusion_matrix(predictions)
    except DataError as error:
        return f"{title}: {error}."
    right = f"{int(matrix.trace()):,} of {int(matrix.sum()):,} images are right"
    return Drawing(name, confusion_figure(matrix, names, title, note), f"Confusion matrix, {title}: {right}")


def _mistakes(stem: str, predictions: Predictions, opened: Dataset | None, trouble: str) -> Block:
    if predictions.has_several_labels:
        return "Images that may have several labels are counted above, label by label."
    if opened is None:
        return f"The images are not shown: {trouble}"
    try:
        names = class_names("", opened, predictions.probabilities.shape[1])
        return worst_mistakes(predictions, opened, names, stem) or "No validation image is wrong."
    except DataError as error:
        return f"The images are not shown: {error}."


def _environment(run: RunDirectory) -> Block:
    try:
        record = json.loads(run.environment.read_text(encoding="utf-8"))
    except RECORD_DAMAGE:
        return "environment.json cannot be read."
    if not isinstance(record, dict):
        return "environment.json cannot be read."
    record.pop("distributions", None)  # hundreds; the versions that decide results are noted by themselves
    command = record.get("command")
    if isinstance(command, list):
        record["command"] = shlex.join(map(str, command))
    return Table(["what", "value"], [[name, text] for name, value in record.items() for text in _texts(value)])


def _texts(value: Any) -> list[str]:
    """A value of environment.json; of a table or a list a line each."""
    if isinstance(value, dict):
        return [f"{name} {_text(each)}" for name, each in value.items()]
    if isinstance(value, list):
        return [", ".join(_texts(each)) if isinstance(each, dict) else _text(each) for each in value] or ["none"]
    return [_text(value)]


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
