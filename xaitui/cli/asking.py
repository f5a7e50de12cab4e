"""What the commands share that ask something of a run, whichever process or machine it is on."""

from __future__ import annotations

from pathlib import Path

from xaitui.errors import UsageError
from xaitui.runs.directory import RunDirectory
from xaitui.runs.find import find_run
from xaitui.runs.folder import runs_folder
from xaitui.runs.requests import Request, ask
from xaitui.runs.state import summarise


def ask_run(word: str, runs_dir: Path | None, request: Request) -> RunDirectory:
    """Leave a request for the run that `word` means.

    Raises:
        UsageError: there is no such run, it is not going on, or its directory cannot be written.
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
