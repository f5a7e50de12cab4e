"""Pictures in the terminal's own graphics, while the console steps aside.

Whether a terminal speaks Kitty's or Sixel graphics can only be asked of it, and its answer comes like keys. A console
that is drawing would take it for a user's: so it is suspended, and a process of its own asks, shows and waits. A
terminal that speaks neither gets half blocks.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from textual.app import App, SuspendNotSupported

from xaitui.system.helper_process import python_module

COMMAND = python_module("xaitui.tui.explain.terminal_graphics")


def show_sharp(app: App[int], pictures: Sequence[Path]) -> str:
    """Show pictures until enter is pressed; return what is wrong, in a line, or nothing."""
    try:
        with app.suspend():
            code = lend([*COMMAND, *map(str, pictures)])
    except SuspendNotSupported:
        return "this terminal cannot be lent to another program"
    except OSError as error:
        return f"the pictures cannot be shown: {error.strerror}"
    return "" if code == 0 else "the pictures could not be shown"


def lend(command: Sequence[str]) -> int:
    """Let a program have the terminal until it ends; its exit code. To be called in the main thread.

    Ctrl-C is meant for it: here it would end the console, and the run in it. What ends the console ends it first, for
    nobody may be there to press a key.

    Raises:
        OSError: it cannot be started.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    lent: list[subprocess.Popen[bytes]] = []
    is_over = False

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal is_over
        is_over = True
        for process in lent:
            process.terminate()
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    try:
        signal.signal(signal.SIGINT, lambda number, frame: None)  # a handler, which the program does not inherit
        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGHUP, end)
        with subprocess.Popen(command, stdout=sys.__stderr__) as process:
            lent.append(process)
            if is_over:  # by a signal that came while it was started
                process.terminate()
            return process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main(paths: Sequence[str]) -> None:
    """Draw pictures one below the other, and wait for a line."""
    from rich.console import Console
    from textual_image.renderable import Image  # asks the terminal at once

    console = Console()
    for path in paths:
        console.print(Image(path))
    with contextlib.suppress(EOFError, KeyboardInterrupt):
        console.input("enter goes back ")


if __name__ == "__main__":
    main(sys.argv[1:])
