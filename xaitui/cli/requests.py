"""`xaitui stop`, `pause`, `continue` and `save`: requests to a run, whichever process or machine it is on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xaitui.cli.arguments import RunsDir, RunWord
from xaitui.cli.output.streams import put
from xaitui.errors import UsageError
from xaitui.runs.directory import RunDirectory
from xaitui.runs.find import find_run
from xaitui.runs.folder import runs_folder
from xaitui.runs.requests import Request, ask
from xaitui.runs.state import summarise
from xaitui.text import quoted


def stop(
    run: RunWord = "last",
    after_epoch: Annotated[bool, typer.Option("--after-epoch", help="Let the epoch end first.")] = False,
    runs_dir: RunsDir = None,
) -> int:
    """Stop a run, in whichever process or machine it is: it saves, tests its best weights and ends."""
    found = _ask(run, runs_dir, Request.STOP_AFTER_EPOCH if after_epoch else Request.STOP)
    when = " after this epoch" if after_epoch else ""
    put(f"asked {found.id} to stop{when}; follow it with: xaitui attach {quoted(found.id)}")
    return 0


def pause(run: RunWord = "last", runs_dir: RunsDir = None) -> int:
    """Pause a run: it finishes its step, saves, and waits with everything in memory."""
    found = _ask(run, runs_dir, Request.PAUSE)
    put(f"asked {found.id} to pause; let it go on with: xaitui continue {quoted(found.id)}")
    return 0


def go_on(run: RunWord = "last", runs_dir: RunsDir = None) -> int:
    """Continue a paused run."""
    found = _ask(run, runs_dir, Request.CONTINUE)
    put(f"asked {found.id} to go on")
    return 0


def save(run: RunWord = "last", runs_dir: RunsDir = None) -> int:
    """Write an exact checkpoint of a run now; it continues."""
    found = _ask(run, runs_dir, Request.SAVE)
    put(f"asked {found.id} to save")
    return 0


def _ask(word: str, runs_dir: Path | None, request: Request) -> RunDirectory:
    """Leave a request for the run that `word` names.

    Raises:
        UsageError: there is no such run, it is not running, or its directory cannot be written.
    """
    found = find_run(word, runs_folder(runs_dir))
    summary = summarise(found)
    if not summary.state.is_live:
        raise UsageError(f"{found.id} is not running: it is {summary.state} ({summary.why})")
    try:
        ask(found.path, request, f"by xaitui {request.value}")
    except OSError as error:
        raise UsageError(f"cannot leave a request in {found.path}: {error.strerror}") from None
    return found
