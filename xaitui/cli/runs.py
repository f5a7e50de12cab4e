"""`xaitui runs`: list, show, remove."""

from __future__ import annotations

import json as json_module
import shutil
import sys
import time
from typing import Annotated, Any

import typer

from xaitui.cli.arguments import RunsDir, RunWord
from xaitui.cli.completion import one_of
from xaitui.cli.output.streams import put, say
from xaitui.config.units import format_duration
from xaitui.errors import UsageError
from xaitui.events import EpochFinished, LifeCycle, RunStarted
from xaitui.metrics.format import score_text, without_nan
from xaitui.runs.directory import RunDirectory
from xaitui.runs.find import find_run
from xaitui.runs.folder import runs_folder
from xaitui.runs.journal.describe import describe, epoch_line
from xaitui.runs.journal.journal import JournalReader, fold
from xaitui.runs.listing.filter import parse
from xaitui.runs.listing.run_list import RunList, RunRow, read_row
from xaitui.runs.listing.sort import SORTS, sort_rows
from xaitui.runs.state import State, summarise
from xaitui.studies.folder import list_studies
from xaitui.text import printable, quoted

app = typer.Typer(rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a run.")]


@app.command("ls")
def list_command(
    filter_line: Annotated[
        str, typer.Option("--filter", help='Only some: "digits model:xcep state:failed val_acc>0.98 lr<0.01 -word".')
    ] = "",
    sort: Annotated[
        str, typer.Option("--sort", help=f"By {', '.join(SORTS)}.", autocompletion=one_of(SORTS))
    ] = "began",
    reverse: Annotated[bool, typer.Option("--reverse", help="Turn the order round.")] = False,
    runs_dir: RunsDir = None,
    json: AsJson = False,
) -> int:
    """List the runs, those that are going on first, then the newest."""
    folder = runs_folder(runs_dir)
    chosen = parse(filter_line)
    runs = RunList(folder)
    try:
        every = runs.read()
    except OSError as error:
        raise UsageError(f"cannot read {folder}: {error.strerror}; choose another --runs-dir") from None
    rows = sort_rows((row for row in every if chosen.matches(row, runs)), sort, turned=reverse)
    if json:
        for row in rows:
            put(json_module.dumps(_record(row), allow_nan=False))
    elif not every:
        say(f"there are no runs in {folder}; start one with: xaitui train --headless")
    elif not rows:
        say(f"none of {len(every)} runs passes the filter {printable(filter_line)}")
    else:
        put(_line("STATE", "EPOCH", "BEST", "TEST", "RUN"))
        for row in rows:
            put(_describe(row))
    if not json and (studies := len(list_studies(folder))):
        say(f"and {studies} stud{'y' if studies == 1 else 'ies'}: xaitui sweep ls")
    return 0


def _describe(row: RunRow) -> str:
    best = f"{score_text(row.best)}@{row.best_epoch}" if row.best_epoch else "-"
    test = score_text(row.test["accuracy"]) if "accuracy" in row.test else "-"
    name = printable(row.id)
    if row.state is State.BROKEN:
        name += f" ({printable(row.why)})"
    return _line(row.state, f"{row.epoch}/{row.epochs}", best, test, name)


def _line(state: str, epoch: str, best: str, test: str, name: str) -> str:
    return f"{state:<11} {epoch:>7}  {best:>9}  {test:>6}  {name}"


def _record(row: RunRow) -> dict[str, Any]:
    record: dict[str, Any] = {
        "id": row.id,
        "path": str(row.run.path),
        "state": row.state,
        "why": row.why,
        "name": row.name,
        "tags": list(row.tags),
        "dataset": row.dataset,
        "model": row.model,
        "device": row.device,
        "monitor": row.monitor,
        "epoch": row.epoch,
        "epochs": row.epochs,
        "step": row.step,
        "best_epoch": row.best_epoch,
        "best": row.best,
        "test": dict(row.test),
        "seconds": row.seconds,
        "eta": row.eta,
        "began": row.began,
    }
    finite: dict[str, Any] = without_nan(record)
    return finite


@app.command("show")
def show_command(run: RunWord = "last", runs_dir: RunsDir = None, json: AsJson = False) -> int:
    """Show what a run is, its epochs and its test score."""
    found = find_run(run, runs_folder(runs_dir))
    row = read_row(found)
    if json:
        put(json_module.dumps(_record(row), allow_nan=False))
        return 0
    put(f"run    {quoted(found.path)}")
    began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row.began)) if row.began else "-"
    put(
        f"state  {row.state}{f' ({printable(row.why)})' if row.why else ''}, began {began}, "
        f"worked {format_duration(row.seconds)}"
    )
    _show_journal(found)
    if row.state in (State.INTERRUPTED, State.STOPPED, State.FAILED):
        put(f"next   xaitui resume {quoted(found.id)}")
    return 0


def _show_journal(run: RunDirectory) -> None:
    if not run.journal.exists():
        return
    reader = JournalReader(run.journal)
    epochs = 0
    for entry in fold(reader.poll()):
        if isinstance(entry.event, RunStarted):
            epochs = entry.event.epochs
        if isinstance(entry.event, EpochFinished):
            put(epoch_line(entry.event, max(epochs, entry.event.epoch)))
        elif isinstance(entry.event, LifeCycle):
            for line in describe(entry.event, epochs):
                put(line)
    if reader.damage:
        say(
            f"{len(reader.damage)} lines of the journal cannot be read; the first at byte {reader.damage[0].offset}: "
            f"{reader.damage[0].reason}"
        )


@app.command("rm")
def remove_command(
    run: RunWord,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    runs_dir: RunsDir = None,
) -> int:
    """Remove a run and everything in it."""
    found = find_run(run, runs_folder(runs_dir))
    summary = summarise(found)
    if summary.state in (State.RUNNING, State.PAUSED):
        raise UsageError(f"{found.id} is running; stop it first: xaitui stop {quoted(found.id)}")
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"to remove {found.path} without being asked, add --yes")
        typer.confirm(f"Remove {found.path} and everything in it?", abort=True)
    try:
        shutil.rmtree(found.path)
    except OSError as error:
        raise UsageError(f"cannot remove {found.path}: {error.strerror}") from None
    put(f"removed {found.path}")
    return 0
