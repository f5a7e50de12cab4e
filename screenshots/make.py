"""Make the pictures of the README from real runs: `python screenshots/make.py`."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLUMNS = 88
FOLDER = Path(__file__).parent


def headless() -> str:
    """What `xaitui train --headless` prints on the embedded digits."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "xaitui", "train", "--headless", "--runs-dir", "runs"]
        done = subprocess.run(words, cwd=folder, env={"PYTHONPATH": str(FOLDER.parent), "PATH": ""}, check=True,
                              capture_output=True, text=True)  # fmt: skip
        return done.stdout.replace(folder, "~")


def draw(title: str, command: str, output: str) -> str:
    """A terminal window with a command and what it printed, as SVG."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text(f"$ {command}", style="bold green"))
    for line in output.splitlines():
        start = len(line) - len(line[7:].lstrip())  # spaces are lost where a style begins, but not where it ends
        word, rest = line[:start], line[start:]
        console.print(Text.assemble((word, "cyan"), (rest, "bold" if word.startswith("test") else "")))
    return console.export_svg(title=title)


if __name__ == "__main__":
    (FOLDER / "headless.svg").write_text(draw("xaitui", "xaitui train --headless", headless()))
