"""`python -m xaitui`, and the `xaitui` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    from xaitui.cli.app import run  # nothing is loaded before the streams are known to be sound

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
