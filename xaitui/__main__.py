"""`python -m xaitui`, and the `xaitui` command."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xaitui.opening import ConsoleOptions, First


def main() -> None:
    """Run the command line and exit with its code."""
    from xaitui.cli.app import run  # nothing is loaded before the streams are known to be sound

    sys.exit(run(sys.argv[1:], open_console))


def open_console(options: ConsoleOptions, first: First) -> int:
    """Open the console: this is the one place that knows both it and the command line."""
    from xaitui.tui.terminal import run_console

    return run_console(options, first)


if __name__ == "__main__":
    main()
