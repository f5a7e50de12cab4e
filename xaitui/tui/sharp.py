"""Pictures in the terminal's own graphics, while the console steps aside: `python -m xaitui.tui.sharp PICTURE...`.

Whether a terminal speaks Kitty's or Sixel graphics can only be asked of it, and its answer comes like keys. A console
that is drawing would take it for a user's: so it is suspended, and a process of its own asks, shows and waits. A
terminal that speaks neither gets half blocks.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from textual.app import App, SuspendNotSupported

COMMAND = (sys.executable, "-m", "xaitui.tui.sharp")


def show_sharp(app: App[int], pictures: Sequence[Path]) -> str:
    """Show pictures until enter is pressed; return what is wrong, in a line, or nothing."""
    try:
        with app.suspend():
            done = subprocess.run([*COMMAND, *map(str, pictures)], stdout=sys.__stderr__, check=False)
    except SuspendNotSupported:
        return "this terminal cannot be lent to another program"
    except OSError as error:
        return f"the pictures cannot be shown: {error.strerror}"
    return "" if done.returncode == 0 else "the pictures could not be shown"


def main(paths: Sequence[str]) -> None:
    """Draw pictures one below the other, and wait for a line."""
    from rich.console import Console
    from textual_image.renderable import Image  # asks the terminal at once

    console = Console()
    for path in paths:
        console.print(Image(path))
    console.input("enter goes back ")


if __name__ == "__main__":
    main(sys.argv[1:])
