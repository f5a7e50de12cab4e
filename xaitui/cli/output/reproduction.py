"""A reproduced experiment as text, in 80 columns or more."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from xaitui.cli.output.plot import put_plot
from xaitui.cli.output.streams import put, put_all
from xaitui.metrics.statistics import Spread
from xaitui.plotting.figure import Line
from xaitui.report.reproduction import RULE, Reproduction, Row, claim_lines, text_of

WIDTH = 79


def put_reproduction(found: Reproduction) -> None:
    """Print what was found: rows, claims, what a reader must know, the curves."""
    put("")
    put(found.experiment.title)
    put_all(textwrap.wrap(found.cut, WIDTH))
    put(f"{found.sizes}; accuracy in percent, mean ± standard deviation")
    for row in found.rows:
        put_all(_row_lines(row))
    put("")
    for text in (*claim_lines(found), *found.experiment.remarks, RULE):
        put_all(textwrap.wrap(text, WIDTH, initial_indent="- ", subsequent_indent="  "))
    if found.curves:
        put("")
        lines = [Line(each.label, each.x, each.y, index) for index, each in enumerate(found.curves)]
        put_plot(f"validation accuracy (%){', A CUT' if found.cut else ''}", lines, "epoch")


def _row_lines(row: Row) -> Iterator[str]:
    ours = row.averages
    runs = f"{row.finished} of {row.expected} seeds" if row.finished < row.expected else f"{row.finished} seed(s)"
    yield ""
    yield f"{row.label}  ({runs})  {row.verdict.upper()}"
    yield _line("mean of epochs", ours.train_mean, ours.val_mean)
    yield _line("last epoch", ours.train_last, ours.val_last)
    yield f"  {'best epoch':<16} {'':<22} val {text_of(ours.val_best, 2):<15} test {text_of(ours.test, 2)}"
    if row.printed is not None:
        yield f"  {'the report':<16} train {row.printed.train:<16.1f} val {row.printed.validation:.1f}"


def _line(name: str, train: Spread, val: Spread) -> str:
    return f"  {name:<16} train {text_of(train, 2):<16} val {text_of(val, 2)}".rstrip()
