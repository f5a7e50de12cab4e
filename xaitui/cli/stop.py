"""`xaitui stop`."""

from __future__ import annotations

from typing import Annotated

import typer

from xaitui.cli.asking import ask_run
from xaitui.cli.places import RunsDir, RunWord
from xaitui.cli.streams import put
from xaitui.runs.requests import Request
from xaitui.text import quoted


def command(
    run: RunWord = "last",
    after_epoch: Annotated[bool, typer.Option("--after-epoch", help="Let the epoch end first.")] = False,
    runs_dir: RunsDir = None,
) -> int:
    """Ask a run to stop, whichever process or machine it is on: it saves, tests its best weights and ends."""
    found = ask_run(run, runs_dir, Request.STOP_AFTER_EPOCH if after_epoch else Request.STOP)
    when = " after this epoch" if after_epoch else ""
    put(f"asked {found.id} to stop{when}; follow it with: xaitui attach {quoted(found.id)}")
    return 0
