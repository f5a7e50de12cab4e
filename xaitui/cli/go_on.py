"""`xaitui continue`."""

from __future__ import annotations

from xaitui.cli.asking import ask_run
from xaitui.cli.places import RunsDir, RunWord
from xaitui.cli.streams import put
from xaitui.runs.requests import Request


def command(run: RunWord = "last", runs_dir: RunsDir = None) -> int:
    """Ask a run that is paused to go on."""
    found = ask_run(run, runs_dir, Request.CONTINUE)
    put(f"asked {found.id} to go on")
    return 0
