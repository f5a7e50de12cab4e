"""Curves of runs by epoch; of runs that differ by their seed alone, their mean and deviation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xaitui.evaluation.seed_groups import SeedGroup
from xaitui.report.caveats import common_note
from xaitui.report.comparison_tables import has_seeds, run_labels
from xaitui.report.document import Drawing
from xaitui.report.figures import Series, curve_figure
from xaitui.runs.journal.series import RunSeries, read_series
from xaitui.runs.listing.comparison import Comparison

MOST_LINES = 24
"""Of more runs or groups, the first ones are drawn, and the figure says so."""


def curve_drawings(comparison: Comparison, groups: Sequence[SeedGroup]) -> list[Drawing]:
    """Loss and accuracy, each in a figure; none where no epoch is over."""
    read = [_read(index, comparison) for index in range(len(comparison.runs))]
    drawings = []
    for quantity in ("loss", "accuracy"):
        if has_seeds(groups):
            lines = [_mean(group, [read[run] for run in group.runs], f"val_{quantity}") for group in groups]
        elif len(read) == 1:
            lines = [
                _line(read[0], f"{split}_{quantity}", words)
                for split, words in (("train", "training"), ("val", "validation"))
            ]
        else:
            lines = [
                _line(each, f"val_{quantity}", label) for each, label in zip(read, run_labels(comparison), strict=True)
            ]
        lines = [line for line in lines if len(line.x)]
        notes = [
            common_note(comparison.runs),
            f"first {MOST_LINES} of {len(lines)}" * (len(lines) > MOST_LINES),
            "band: standard deviation over seeds" * has_seeds(groups),
        ]
        if lines:
            title = quantity.capitalize() + (", validation" if len(read) > 1 else "")
            figure = curve_figure(
                lines[:MOST_LINES], title=title, x_label="epoch", y_label=quantity, note="; ".join(filter(None, notes))
            )
            drawings.append(
                Drawing(quantity, figure, f"{title}, by epoch: {', '.join(line.label for line in lines[:MOST_LINES])}")
            )
    return drawings


def _read(index: int, comparison: Comparison) -> RunSeries:
    try:
        return read_series(comparison.runs[index].run)
    except OSError:  # the comparison tells of it
        return RunSeries()


def _line(series: RunSeries, name: str, label: str) -> Series:
    curve = series.curve(name, "epoch")
    return Series(label, curve.x.tolist(), curve.y.tolist())


def _mean(group: SeedGroup, runs: Sequence[RunSeries], name: str) -> Series:
    """Mean and deviation at the epochs that every seed has reached."""
    curves = [run.curve(name, "epoch") for run in runs]
    length = min(map(len, curves))
    values = np.stack([curve.y[:length] for curve in curves])
    mean = values.mean(axis=0)
    deviation = values.std(axis=0, ddof=1) if len(curves) > 1 else np.zeros(length)
    label = f"{group.label or 'all'} (n={len(curves)})"
    return Series(
        label, curves[0].x[:length].tolist(), mean.tolist(), (mean - deviation).tolist(), (mean + deviation).tolist()
    )
