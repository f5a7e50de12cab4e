"""`xaitui pause`."""

from __future__ import annotations

from xaitui.cli.asking import ask_run
from xaitui.cli.places import RunsDir, RunWord
from xaitui.cli.streams import put
from xaitui.runs.requests import Request
from xaitui.text import quoted


def command(run: RunWord = "last", runs_dir: RunsDir = None) -> int:
    """Ask a run to pause: it finishes its step, saves, and waits with everything in memory."""
    found = ask_run(run, runs_dir, Request.PAUSE)
    put(f"asked {found.id} to pause; let it go on with: xaitui continue {quoted(found.id)}")
    return 0
