"""`xaitui save`."""

from __future__ import annotations

from xaitui.cli.asking import ask_run
from xaitui.cli.places import RunsDir, RunWord
from xaitui.cli.streams import put
from xaitui.runs.requests import Request


def command(run: RunWord = "last", runs_dir: RunsDir = None) -> int:
    """Ask a run to write an exact checkpoint now, and to go on."""
    found = ask_run(run, runs_dir, Request.SAVE)
    put(f"asked {found.id} to save")
    return 0
