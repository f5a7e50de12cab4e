"""`xaitui train`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from xaitui.cli.options import with_settings
from xaitui.cli.places import RunsDir, runs_folder
from xaitui.cli.streams import put, say
from xaitui.config.command_line import command_line
from xaitui.config.layers import Resolution
from xaitui.config.toml import to_toml


@with_settings
def command(
    resolution: Resolution,
    runs_dir: RunsDir = None,
    headless: Annotated[bool, typer.Option("--headless", help="Train without a screen.")] = False,
    json: Annotated[bool, typer.Option("--json", help="The journal's events on stdout, nothing else.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")] = False,
) -> int:
    """Train a model, and keep the run in a directory of its own."""
    if dry_run:
        return _show(resolution)
    if not (headless or json) and sys.stdout.isatty():
        say("the console is not built yet: training without a screen (--headless)")
    from xaitui.cli.training import train

    return train(resolution.config, runs_folder(runs_dir), as_json=json)


def _show(resolution: Resolution) -> int:
    put(to_toml(resolution.config).rstrip())
    put(f"\n# {command_line(resolution.config)} --headless")
    return 0
