"""`xaitui stop`."""

from __future__ import annotations

from typing import Annotated

import typer

from xaitui.cli.places import RunsDir, RunWord, runs_folder
from xaitui.cli.streams import put
from xaitui.errors import UsageError
from xaitui.runs.find import find_run
from xaitui.runs.requests import Request, ask
from xaitui.runs.summary import summarise


def command(
    run: RunWord = "last",
    after_epoch: Annotated[bool, typer.Option("--after-epoch", help="Let the epoch end first.")] = False,
    runs_dir: RunsDir = None,
) -> int:
    """Ask a run to stop, whichever process or machine it is on: it saves, tests its best weights and ends."""
    found = find_run(run, runs_folder(runs_dir))
    summary = summarise(found)
    if not summary.state.is_live:
        raise UsageError(f"{found.id} is not running: it is {summary.state} ({summary.why})")
    try:
        ask(found.path, Request.STOP_AFTER_EPOCH if after_epoch else Request.STOP)
    except OSError as error:
        raise UsageError(f"cannot leave a request in {found.path}: {error.strerror}") from None
    when = " after this epoch" if after_epoch else ""
    put(f"asked {found.id} to stop{when}; follow it with: xaitui attach {found.id}")
    return 0
