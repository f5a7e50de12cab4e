"""`xaitui`, and the commands that open the console on something."""

from __future__ import annotations

from typing import Annotated

import typer

from xaitui.cli.arguments import RunsDir
from xaitui.cli.completion import one_of
from xaitui.cli.open_console import open_console
from xaitui.console_options import ConsoleOptions
from xaitui.errors import UsageError, nearest
from xaitui.runs.folder import runs_folder

THEMES = ("dark", "light", "contrast")


def command(
    runs_dir: RunsDir = None,
    readonly: Annotated[bool, typer.Option("--readonly", help="Only look: refuse whatever changes something.")] = False,
    ascii_only: Annotated[bool, typer.Option("--ascii", help="Draw with ASCII characters only.")] = False,
    theme: Annotated[
        str,
        typer.Option("--theme", help=f"One of {', '.join(THEMES)}.", show_default=False, autocompletion=one_of(THEMES)),
    ] = "",
    interval: Annotated[
        float, typer.Option("--interval", help="Seconds between two looks at the runs.", min=0.2, max=60)
    ] = 1.0,
) -> int:
    """Open the console: choose, train, watch, leave, come back."""
    if theme and theme not in THEMES:
        raise UsageError(f"--theme cannot be {theme!r}{nearest(theme, THEMES)}")
    options = ConsoleOptions(runs_folder(runs_dir), readonly=readonly, ascii=ascii_only, interval=interval, theme=theme)
    return open_console(options)
