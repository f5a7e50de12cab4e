"""`xaitui resume`."""

from __future__ import annotations

from typing import Annotated

import typer

from xaitui.cli.arguments import AcceptChanged, MovedTo, RunsDir, RunWord
from xaitui.cli.open_console import has_terminal, open_console
from xaitui.cli.options import parse_extension
from xaitui.config.units import parse_duration
from xaitui.console_options import ConsoleOptions
from xaitui.errors import UsageError
from xaitui.jobs.train.resume_options import ResumeOptions
from xaitui.runs.dataset import move_data
from xaitui.runs.find import find_run
from xaitui.runs.folder import runs_folder


def command(
    run: RunWord = "last",
    epochs: Annotated[str, typer.Option("--epochs", help="Epochs to add, for example +5.", show_default=False)] = "",
    device: Annotated[
        str, typer.Option("--device", help="Another device than the run chose.", show_default=False)
    ] = "",
    max_time: Annotated[str, typer.Option("--max-time", help="A time limit for this process, as 7h50m.")] = "0",
    take_over: Annotated[bool, typer.Option("--take-over", help="Break the lock of another machine.")] = False,
    trust_model: Annotated[bool, typer.Option("--trust-model", help="Run the model source kept in the run.")] = False,
    moved_to: MovedTo = "",
    accept_changed: AcceptChanged = False,
    headless: Annotated[bool, typer.Option("--headless", help="Go on without a screen.")] = False,
    json: Annotated[bool, typer.Option("--json", help="The journal's events on stdout, nothing else.")] = False,
    runs_dir: RunsDir = None,
) -> int:
    """Resume a run exactly from its last checkpoint."""
    extend = parse_extension(epochs)
    try:
        limit = parse_duration(max_time)
    except ValueError as error:
        raise UsageError(f"--max-time: {error}") from None
    folder = runs_folder(runs_dir)
    found = find_run(run, folder)
    if moved_to:
        move_data(found, moved_to, accept_changed=accept_changed)
    options = ResumeOptions(extend, take_over, trust_model, device, accept_changed, float(str(limit)))
    if not (headless or json) and has_terminal():
        return open_console(ConsoleOptions(folder), lambda console: console.resume_run(found, options))
    from xaitui.cli.run_headless import take_up

    return take_up(found, options, as_json=json)
