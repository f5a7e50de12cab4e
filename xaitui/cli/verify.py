"""`xaitui verify`: whether a run is what it says it is."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xaitui.cli.arguments import AcceptChanged, MovedTo, RunsDir, RunWord, TrustModel
from xaitui.cli.output.streams import put, say
from xaitui.errors import ExitCode
from xaitui.runs.dataset import move_data
from xaitui.runs.directory import RunDirectory
from xaitui.runs.find import find_run
from xaitui.runs.folder import runs_folder
from xaitui.runs.state import State, summarise
from xaitui.text import printable

if TYPE_CHECKING:
    from xaitui.jobs.verify.replay import Looked, Replayed

NAME_WIDTH = 9
WIDTH = 80


def command(
    run: RunWord,
    steps: Annotated[
        int, typer.Option("--steps", min=0, metavar="K", help="The most steps to train again; 0 looks at files only.")
    ] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="What was found on stdout, as JSON.")] = False,
    trust_model: TrustModel = False,
    moved_to: MovedTo = "",
    accept_changed: AcceptChanged = False,
    runs_dir: RunsDir = None,
) -> int:
    """Compare a run's files with what was written, then train some of its steps again and compare each bit."""
    found = find_run(run, runs_folder(runs_dir))
    from xaitui.jobs.verify.replay import look, replay, where
    from xaitui.jobs.verify.segment import NoStretchError

    if moved_to:
        move_data(found, moved_to, accept_changed=accept_changed)
    why_not = _reason(found, steps)
    looked = look(found)
    if not as_json:
        _put_looked(looked)
    if looked.damaged:
        why_not = "what is damaged cannot be compared with"
    replayed, how = None, {"trust_model": trust_model, "accept_changed": accept_changed}
    try:
        replayed = None if why_not else replay(found, looked.last, say, steps=steps, **how)
    except NoStretchError as error:
        if not looked.changed_data:
            raise
        why_not = str(error)
    if as_json:
        put(json.dumps(_record(found, looked, replayed, why_not), indent=2))
    else:
        _put_row("replay", printable(replayed) if replayed else f"none: {why_not}")
        if replayed:
            _put_row("on", where())
        put(_verdict(looked, replayed))
    return int(_CODES[_verdict(looked, replayed)])


_CODES = {
    "equal": ExitCode.FINISHED,
    "intact": ExitCode.FINISHED,
    "different": ExitCode.FAILED,
    "damaged": ExitCode.DATA,
}


def _verdict(looked: Looked, replayed: Replayed | None) -> str:
    """In a word: "intact" where nothing was trained."""
    if looked.damaged:
        return "damaged"
    if replayed is None:
        return "intact"
    return "different" if replayed.difference else "equal"


def _reason(run: RunDirectory, steps: int) -> str:
    """Why nothing is to be trained again; empty where it is."""
    state = summarise(run).state
    if state in (State.RUNNING, State.PAUSED, State.REMOTE):
        return f"the run is {state}: stop it first"
    return "" if steps else "not asked for"


def _put_row(name: str, text: str) -> None:
    """A finding within 80 columns; a path stays in one piece."""
    indent = f"{name:<{NAME_WIDTH}}"
    put(
        textwrap.fill(
            indent + text, WIDTH, subsequent_indent=" " * NAME_WIDTH, break_long_words=False, break_on_hyphens=False
        )
    )


def _put_looked(looked: Looked) -> None:
    files, journal = looked.files, looked.journal
    others = f"; of {files.not_noted:,} there are no notes" if files.not_noted else ""
    _put_row("files", f"{files.intact:,} as they were written, byte for byte{others}")
    torn = f"; {journal.torn:,} cut off by a crash" if journal.torn else ""
    held = f", the first {journal.saved:,} bytes as checkpoints/last.pt holds them" if looked.last else ""
    _put_row("journal", f"{journal.lines:,} events{held}{torn}")
    for line in files.remarks:
        _put_row("note", f"{printable(line)}")
    for line in looked.changed_data:
        _put_row("data", f"not exact: {printable(line)}")
    for line in looked.damaged:
        _put_row("damaged", f"{printable(line)}")


def _record(run: RunDirectory, looked: Looked, replayed: Replayed | None, why_not: str) -> dict[str, Any]:
    record: dict[str, Any] = {
        "run": run.id,
        "verdict": _verdict(looked, replayed),
        "files": asdict(looked.files),
        "journal": asdict(looked.journal),
        "changed_data": looked.changed_data,
    }
    if replayed is None:
        return {**record, "replay": None, "why_not_replayed": why_not}
    stretch = replayed.stretch
    return {
        **record,
        "replay": {
            "from": stretch.checkpoint,
            "first_step": stretch.first,
            "last_step": stretch.first + replayed.steps,
            "until": stretch.until,
            "losses": replayed.losses,
            "evaluations": replayed.evaluations,
            "tensors": replayed.tensors,
            "difference": replayed.difference,
        },
    }
