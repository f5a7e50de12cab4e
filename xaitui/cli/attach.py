"""`xaitui attach`."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from xaitui.cli.arguments import RunsDir, RunWord
from xaitui.cli.open_console import has_terminal, open_console
from xaitui.cli.output.run import LineReporter
from xaitui.cli.output.streams import put, say
from xaitui.console_options import ConsoleOptions
from xaitui.event_codec import encode
from xaitui.runs.directory import RunDirectory
from xaitui.runs.find import find_run
from xaitui.runs.folder import runs_folder
from xaitui.runs.journal.journal import JournalReader, fold
from xaitui.runs.lock import SILENT_SECONDS, Pulse
from xaitui.runs.state import State, summarise

POLL_SECONDS = 0.5


def command(
    run: RunWord = "last",
    plain: Annotated[bool, typer.Option("--plain", help="Lines of text instead of the console.")] = False,
    json: Annotated[bool, typer.Option("--json", help="The journal's events, nothing else.")] = False,
    readonly: Annotated[bool, typer.Option("--readonly", help="Only look: refuse whatever changes something.")] = False,
    runs_dir: RunsDir = None,
) -> int:
    """Watch a run live, wherever it is running: in the console, or, without a terminal, as lines of text."""
    folder = runs_folder(runs_dir)
    found = find_run(run, folder)
    if not (plain or json) and has_terminal():
        return open_console(ConsoleOptions(folder, readonly=readonly), lambda console: console.open_run(found))
    return follow(found, json=json)


def follow(found: RunDirectory, *, json: bool) -> int:
    """Write what a run does until it ends; leaving with Ctrl-C leaves the run alone."""
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
