"""The table of a comparison: a row for each score and for each setting that differs, a column for each run."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text

from xaitui.runs.listing.comparison import Comparison, Score, Setting
from xaitui.text import printable
from xaitui.tui.runs.columns import fit

NAME = "name"
"""Key of the first column; the others have the index of their run."""
LABEL_WIDTH = 24
VALUE_WIDTH = 40

ARROWS = {1: ("▲", "^"), -1: ("▼", "v"), 0: ("", "")}
"""Better and worse than the baseline, and the same in ASCII."""


@dataclass(frozen=True)
class Tones:
    """Styles that a theme gives; they say nothing that signs and words do not say."""

    better: str
    worse: str
    same: str
    runs: tuple[str, ...]
    """Colours of the runs, in their order; after the last one the first again."""


@dataclass(frozen=True)
class TableRow:
    """One row: its key, its name, and a cell for each run."""

    key: str
    cells: tuple[Text, ...]
    is_setting: bool = False


def column_titles(comparison: Comparison, tones: Tones, *, ascii_only: bool) -> tuple[Text, ...]:
    """The runs in their colours, the baseline behind a sign."""
    dots = "..." if ascii_only else "…"
    titles = []
    for index, label in enumerate(comparison.labels):
        name = fit(label, min(LABEL_WIDTH, len(printable(label))), keep_end=True, dots=dots)
        sign = ("* " if ascii_only else "◆ ") if index == comparison.baseline else ""
        titles.append(Text(sign + name, style=f"bold {tones.runs[index % len(tones.runs)]}", no_wrap=True))
    return tuple(titles)


def table_rows(comparison: Comparison, tones: Tones, *, ascii_only: bool) -> list[TableRow]:
    """All rows, scores first."""
    states = [
        Text(f"{row.state}, baseline" if index == comparison.baseline else row.state, no_wrap=True)
        for index, row in enumerate(comparison.runs)
    ]
    rows = [TableRow("state", (Text("state"), *states))]
    for score in comparison.scores:
        cells = [_score(score, run, comparison.baseline, tones, ascii_only) for run in range(len(states))]
        rows.append(TableRow(score.name, (Text(score.name), *cells)))
    for setting in comparison.settings:
        cells = [_value(setting, run, comparison.baseline, tones, ascii_only) for run in range(len(states))]
        rows.append(TableRow(setting.path, (Text(setting.path), *cells), is_setting=True))
    return rows


def _score(score: Score, run: int, baseline: int, tones: Tones, ascii_only: bool) -> Text:
    verdict = score.verdict(run, baseline)
    tone = {1: tones.better, -1: tones.worse, 0: tones.same}[verdict]
    arrow = ARROWS[verdict][ascii_only]
    text = Text(score.text(score.values[run]), no_wrap=True)
    difference = score.difference_text(run, baseline)
    return text.append(f" {difference}{arrow}", style=tone) if difference else text


def _value(setting: Setting, run: int, baseline: int, tones: Tones, ascii_only: bool) -> Text:
    value = printable(setting.values[run])
    shown = fit(value, min(VALUE_WIDTH, len(value)), dots="..." if ascii_only else "…")
    is_same = run != baseline and setting.values[run] == setting.values[baseline]
    text = Text(shown, style=tones.same if is_same else "", no_wrap=True)
    return text.append(" default", style=tones.same) if setting.defaults[run] else text
