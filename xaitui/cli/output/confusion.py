"""A confusion matrix in the terminal: counts, shaded by their part of the true class where there are colours."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.style import Style
from rich.text import Text

from xaitui.cli.output.compare import letter
from xaitui.evaluation.evaluation import Evaluation
from xaitui.metrics.confusion import row_shares
from xaitui.runs.journal.describe import WIDTH
from xaitui.text import printable

_DARKEST = (18, 92, 170)
"""Of the shade of a whole row; an empty cell has none."""
_LEAST = 0.005
"""Part of a row from which on a cell is shaded."""


def put_confusion(evaluation: Evaluation) -> None:
    """Print the matrix, rows being true classes; only where it `fits`."""
    matrix, shares = evaluation.confusion, row_shares(evaluation.confusion)
    width = _cell_width(evaluation)
    console = Console(file=sys.stdout, highlight=False, width=WIDTH + 1)
    letters = short_names(evaluation.classes)
    console.print(Text("    " + "".join(each.rjust(width) for each in letters)), no_wrap=True)
    for name, counts, parts in zip(letters, matrix.tolist(), shares.tolist(), strict=True):
        line = Text(name.rjust(3) + " ")
        for count, share in zip(counts, parts, strict=True):
            line.append((str(count) if count else ".").rjust(width), _shade(share))
        console.print(line, no_wrap=True)


def short_names(classes: Sequence[str]) -> list[str]:
    """Names of up to two letters each: their own where they are so short, else letters in their order."""
    names = [printable(name) for name in classes]
    return names if all(len(name) <= 2 for name in names) else [letter(index) for index in range(len(names))]


def fits(evaluation: Evaluation) -> bool:
    """Whether the matrix has room in 80 columns."""
    return 4 + _cell_width(evaluation) * len(evaluation.classes) <= WIDTH


def _cell_width(evaluation: Evaluation) -> int:
    return max(len(str(int(evaluation.confusion.max()))) + 1, 3)


def _shade(share: float) -> Style:
    if share < _LEAST:
        return Style()
    weight = 0.25 + 0.75 * share  # a rare mistake is to be seen, too
    red, green, blue = (round(255 - weight * (255 - channel)) for channel in _DARKEST)
    return Style(color="white" if weight > 0.55 else "black", bgcolor=f"rgb({red},{green},{blue})")
