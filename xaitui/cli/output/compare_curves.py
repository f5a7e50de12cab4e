"""The validation curves of a comparison, in the terminal."""

from __future__ import annotations

from xaitui.cli.output.compare import letter
from xaitui.cli.output.plot import put_plot
from xaitui.cli.output.streams import put, say
from xaitui.plotting.figure import Line
from xaitui.runs.journal.series import RunSeries, read_series
from xaitui.runs.listing.comparison import Comparison
from xaitui.text import printable

CURVES = ("val_loss", "val_accuracy")


def put_curves(comparison: Comparison) -> None:
    """Draw loss and accuracy by epoch, a line for each run; a journal that cannot be read has none, and it is said."""
    series: dict[int, RunSeries] = {}
    for index, row in enumerate(comparison.runs):
        try:
            series[index] = read_series(row.run)
        except OSError as error:
            say(printable(f"{row.id}: the journal cannot be read: {error.strerror}"))
    for name in CURVES:
        curves = {index: each.curve(name, "epoch") for index, each in series.items()}
        put("")
        put_plot(
            name,
            [
                Line(f"{letter(index)} {comparison.labels[index]}", curve.x.tolist(), curve.y.tolist(), index)
                for index, curve in curves.items()
            ],
            "epoch",
        )
