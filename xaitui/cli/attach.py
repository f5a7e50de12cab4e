"""`xaitui attach`: plain text, a line an epoch."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from xaitui.cli.places import RunsDir, RunWord, runs_folder
from xaitui.cli.progress import LineReporter
from xaitui.cli.streams import put, say
from xaitui.events import encode
from xaitui.runs.find import find_run
from xaitui.runs.journal import JournalReader, fold
from xaitui.runs.owner import SILENT_SECONDS, Pulse
from xaitui.runs.summary import State, summarise

POLL_SECONDS = 0.5


def command(
    run: RunWord = "last",
    json: Annotated[bool, typer.Option("--json", help="The journal's events, nothing else.")] = False,
    runs_dir: RunsDir = None,
) -> int:
    """Follow a run as it goes, from wherever it runs; leaving with Ctrl-C leaves the run alone."""
    found = find_run(run, runs_folder(runs_dir))
    reader, reporter = JournalReader(found.journal), LineReporter()
    pulse = Pulse(found.heartbeat)
    first = True
    while True:
        live = summarise(found)  # before the poll, so that what it wrote last is read
        entries = reader.poll() if found.journal.exists() else []
        for entry in fold(entries) if first else entries:
            put(encode(entry.event).decode().rstrip()) if json else reporter.show(entry.event)
        first = False
        if not live.state.is_live:
            break
        if live.state is State.REMOTE and pulse.silent_for() > SILENT_SECONDS:
            say(f"{found.id} is silent: {live.why} has not moved for a minute; it may be gone")
            return 0
        time.sleep(POLL_SECONDS)
    if live.state not in (State.FINISHED, State.STOPPED, State.FAILED):
        say(f"{found.id} is {live.state}: {live.why}")
    return 0
