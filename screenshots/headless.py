"""The picture of a command without a screen, and of what it printed."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console
from rich.segment import Segment
from rich.text import Text

from screenshots.cells import write_png
from screenshots.stage import alone
from screenshots.training import Training, train

COLUMNS = 88


def photograph_command(folder: Path) -> None:
    """Train on the embedded digits as anybody does first, and show it."""
    words = "xaitui train --headless"
    said = train(Training([])).replace(str(Path.cwd()), "~")
    lines = [Text(f"$ {words}", style="bold green"), *map(_coloured, said.splitlines())]
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    rows: list[list[Segment]] = []
    for line in lines:
        console.print(line)
        rows += console.render_lines(line, pad=True)
    (folder / "headless.svg").write_text(alone(console.export_svg(title="xaitui")), encoding="utf-8")
    write_png(rows, COLUMNS, folder / "headless.png")


def _coloured(line: str) -> Text:
    start = len(line) - len(line[7:].lstrip())  # spaces are lost where a style begins, but not where it ends
    word, rest = line[:start], line[start:]
    return Text.assemble((word, "cyan"), (rest, "bold" if word.startswith("test") else ""))
