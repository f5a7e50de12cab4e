"""`xaitui runs`: list, show, remove."""

from __future__ import annotations

import json as json_module
import math
import shutil
import sys
import time
from dataclasses import asdict
from typing import Annotated, Any

import typer

from xaitui.cli.describe import describe, epoch_line, number
from xaitui.cli.places import RunsDir, RunWord, runs_folder
from xaitui.cli.streams import put, say
from xaitui.config.units import format_duration
from xaitui.errors import UsageError
from xaitui.events import EpochFinished, LifeCycle, RunStarted
from xaitui.runs.directory import RunDirectory, list_runs
from xaitui.runs.find import find_run
from xaitui.runs.journal import JournalReader, fold
from xaitui.runs.summary import RunSummary, State, summarise
from xaitui.text import printable

app = typer.Typer(rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a run.")]


@app.command("ls")
def list_command(runs_dir: RunsDir = None, json: AsJson = False) -> int:
    """List the runs, the newest first."""
    folder = runs_folder(runs_dir)
    summaries = [summarise(run) for run in list_runs(folder)]
    if json:
        for summary in summaries:
            put(json_module.dumps(_record(summary), allow_nan=False))
    elif not summaries:
        say(f"there are no runs in {folder}; start one with: xaitui train --headless")
    else:
        put(_row("STATE", "EPOCH", "BEST", "TEST", "RUN"))
        for summary in summaries:
            put(_describe(summary))
    return 0


def _describe(summary: RunSummary) -> str:
    best = f"{number(summary.best)}@{summary.best_epoch}" if summary.best_epoch else "-"
    test = number(summary.test["accuracy"]) if "accuracy" in summary.test else "-"
    name = printable(summary.run.id)
    if summary.state is State.BROKEN:
        name += f" ({printable(summary.why)})"
    return _row(summary.state, f"{summary.epoch}/{summary.epochs}", best, test, name)


def _row(state: str, epoch: str, best: str, test: str, name: str) -> str:
    return f"{state:<11} {epoch:>7}  {best:>9}  {test:>6}  {name}"


def _record(summary: RunSummary) -> dict[str, Any]:
    started = asdict(summary.started) if summary.started else {}
    return {
        "id": summary.run.id, "path": str(summary.run.path), "state": summary.state, "why": summary.why,
        "dataset": started.get("dataset", ""), "model": started.get("model", ""), "device": started.get("device", ""),
        "monitor": started.get("monitor", ""), "epoch": summary.epoch, "epochs": summary.epochs, "step": summary.step,
        "best_epoch": summary.best_epoch, "best": _finite(summary.best),
        "test": {name: _finite(value) for name, value in summary.test.items()}, "seconds": summary.seconds,
    }  # fmt: skip


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


@app.command("show")
def show_command(run: RunWord = "last", runs_dir: RunsDir = None, json: AsJson = False) -> int:
    """Show what a run is, its epochs and its test score."""
    found = find_run(run, runs_folder(runs_dir))
    summary = summarise(found)
    if json:
        put(json_module.dumps(_record(summary), allow_nan=False))
        return 0
    put(f"run    {found.path}")
    began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(summary.began)) if summary.began else "-"
    put(f"state  {summary.state}{f' ({printable(summary.why)})' if summary.why else ''}, began {began}, "
        f"worked {format_duration(summary.seconds)}")  # fmt: skip
    _show_journal(found)
    if summary.state in (State.INTERRUPTED, State.STOPPED, State.FAILED):
        put(f"next   xaitui resume {found.id}")
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
        say(f"{len(reader.damage)} lines of the journal cannot be read; the first at byte {reader.damage[0].offset}: "
            f"{reader.damage[0].reason}")  # fmt: skip


@app.command("rm")
def remove_command(
    run: RunWord,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    runs_dir: RunsDir = None,
) -> int:
    """Remove a run and everything in it."""
    found = find_run(run, runs_folder(runs_dir))
    summary = summarise(found)
    if summary.state is State.RUNNING:
        raise UsageError(f"{found.id} is running; stop it first: xaitui stop {found.id}")
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
