"""`python -m xaitui`, and the `xaitui` command."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xaitui.console_options import ConsoleOptions, First


def main() -> None:
    """Run the command line and exit with its code."""
    _read_names_as_utf8()
    from xaitui.cli.app import run  # nothing is loaded before the streams are known to be sound

    sys.exit(run(sys.argv[1:], open_console))


def _read_names_as_utf8() -> None:
    """Start again in Python's UTF-8 mode where names of files would be ASCII; what is printed stays in ASCII.

    Configurations and journals are UTF-8, and cannot hold a name that was read as anything else.
    """
    if sys.getfilesystemencoding() == "ascii" and not sys.flags.ignore_environment:
        os.environ["PYTHONUTF8"] = "1"
        os.environ.setdefault("PYTHONIOENCODING", "ascii")
        os.execv(sys.executable, sys.orig_argv)


def open_console(options: ConsoleOptions, first: First) -> int:
    """Open the console: this is the one place that knows both it and the command line."""
    from xaitui.tui.terminal import run_console

    return run_console(options, first)


if __name__ == "__main__":
    main()
