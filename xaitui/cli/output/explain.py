"""Explanations as lines within 80 columns, and as records for other programs."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from xaitui.catalog.attributions import ATTRIBUTIONS, attribution_info
from xaitui.runs.explanations.maps import SEVERAL_LABELS, Explained, Sample
from xaitui.runs.journal.describe import WIDTH
from xaitui.text import printable

COLUMNS = {
    "deletion": "DEL",
    "insertion": "INS",
    "infidelity": "INFID",
    "sensitivity": "SENS",
    "sparseness": "SPARSE",
    "completeness": "OFF",
}
"""The scores that have a column, and its name."""
MOST_ROWS = 40
"""Rows that are shown; the others stand in the table of the set."""
_CELL = 7
_BESIDE_NAMES = 6 + 1 + 4
"""Columns of index and probability."""
_PROBLEM = 24
"""Columns of what is wrong with a map, where no scores are shown."""

Means = Mapping[str, Mapping[str, Any]]


def method_lines(*, as_json: bool) -> Iterator[str]:
    """The methods: what each needs, costs and does not show."""
    for info in ATTRIBUTIONS.values():
        if as_json:
            yield json.dumps(asdict(info))
            continue
        yield f"{info.name}: {info.title} ({info.source})"
        for head, text in (
            ("", info.description),
            ("needs", info.needs),
            ("cost", info.cost),
            ("limits", info.limits),
            ("warning", info.warning),
        ):
            if text:
                yield from textwrap.wrap(text, WIDTH, initial_indent=f"  {head:<9}", subsequent_indent=" " * 11)


def record(explained: Explained) -> dict[str, Any]:
    """A set as plain values; what is not known is None."""
    found = explained.found
    names = explained.classes
    return {
        "method": found.method,
        "layer": found.layer,
        "path": str(found.path),
        "settings": dict(found.settings),
        "samples": [
            {**_plain(sample), "picture": str(found.picture(row)) if found.picture(row).exists() else None}
            for row, sample in zip(explained.rows, explained.samples, strict=True)
        ],
        "classes": list(names),
    }


def _plain(sample: Sample) -> dict[str, Any]:
    values = asdict(sample)
    return {name: None if value != value else value for name, value in values.items()}  # NaN is not itself


def set_lines(explained: Explained) -> Iterator[str]:
    """A set: its samples with their scores, those of the floors, and what is to be said of them."""
    found, info = explained.found, attribution_info(explained.found.method)
    layer = f" of {printable(found.layer)} ({found.settings.get('layer_size')})" if found.layer else ""
    baseline = f", baseline {found.settings['baseline']}" if found.settings.get("baseline") else ""
    yield f"{info.title}{layer}{baseline}: {len(explained.rows)} of {found.split}"
    shown = explained.samples[:MOST_ROWS]
    table = _Table.of(shown, explained.classes, found.settings.get("trust"))
    yield table.row("INDEX", ("TRUE", "SEEN AS", "FOR"), "P", (COLUMNS[name] for name in table.columns))
    for sample in shown:
        yield table.sample_row(sample)
    if len(explained.rows) > MOST_ROWS:
        yield f"... and {len(explained.rows) - MOST_ROWS:,} more in {found.path / 'samples.csv'}"
    yield from _trust_lines(found.settings.get("trust"), table)
    if table.columns:
        yield "less is better, of INS and SPARSE more" + "; OFF: error of the sum" * ("completeness" in table.columns)
    for text in dict.fromkeys((found.badge, info.warning)):
        if text:
            yield from textwrap.wrap(printable(text), WIDTH, initial_indent="! ", subsequent_indent="  ")
    yield f"in     {found.path}"
    yield ""


def _trust_lines(trust: Any, table: _Table) -> Iterator[str]:
    if not isinstance(trust, dict):
        return
    yield f"means over {trust['images']} drawn images, for the class that each is seen as"
    yield table.mean_row("the method", trust["method"])
    for name, floor in trust["floors"].items():
        yield table.mean_row(f"floor: {name}", floor)
    said = trust.get("randomisation")
    if said:
        yield from textwrap.wrap(f"random weights: {said['outcome']}; {printable(said['reason'])}", WIDTH)


@dataclass(frozen=True)
class _Table:
    """Columns for the scores that there are; what room they leave is for the names of the classes."""

    columns: tuple[str, ...]
    names: tuple[str, ...]
    """Of the classes."""
    width: int
    """Cells of a name, and a gap."""

    @staticmethod
    def of(samples: Sequence[Sample], classes: Sequence[str], trust: Any) -> _Table:
        known = {name for sample in samples for name in sample.scores}
        if isinstance(trust, dict):
            known |= {name for name, values in trust["method"].items() if _is_number(values.get("mean"))}
        columns = tuple(name for name in COLUMNS if name in known)
        names = tuple(map(printable, classes))
        most = (WIDTH - _BESIDE_NAMES - (_CELL * len(columns) or _PROBLEM)) // 3
        return _Table(columns, names, min(most, max(7, *map(len, names)) + 1))

    def sample_row(self, sample: Sample) -> str:
        label = "-" if sample.label == SEVERAL_LABELS else self.names[sample.label]
        if sample.problem:
            cells = [f"  not painted: {sample.problem}"]
        else:
            cells = [_cell(sample.scores.get(name)) for name in self.columns]
            if sample.badge:
                cells = [*cells[:-1], "".join(cells[-1:]) + "!"]
        names = (label, self.names[sample.predicted], self.names[sample.target])
        return self.row(str(sample.index), names, f"{sample.p_target:.2f}", cells)

    def mean_row(self, name: str, means: Means) -> str:
        cells = [_cell(means.get(score, {}).get("mean")) for score in self.columns]
        return f"{name:<{_BESIDE_NAMES + 3 * self.width}}{_scores(cells)}".rstrip()

    def row(self, index: str, names: Sequence[str], p: str, cells: Iterable[str]) -> str:
        cut = "".join(f"{name[: self.width - 1]:<{self.width}}" for name in names)
        return f"{index:>6} {cut}{p:>4}{_scores(cells)}".rstrip()


def _scores(cells: Iterable[str]) -> str:
    return "".join(f"{cell:>{_CELL}}" for cell in cells)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and value == value  # NaN is not itself


def _cell(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if abs(value) < 100 else f"{value:.2g}"
