"""`xaitui train`."""

from __future__ import annotations

import json as json_module
import shlex
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from xaitui.cli.arguments import RunsDir
from xaitui.cli.open_console import open_console
from xaitui.cli.options import with_settings
from xaitui.cli.output.streams import put, say
from xaitui.cli.signals import stop_on_signals
from xaitui.config.command_line import command_line
from xaitui.config.resolve import Resolution
from xaitui.config.schema import RunConfig
from xaitui.config.toml import to_toml
from xaitui.console_options import ConsoleOptions
from xaitui.errors import ExitCode, UsageError
from xaitui.jobs.background import RUN_LINE, start_detached
from xaitui.jobs.preflight.report import Preflight
from xaitui.runs.folder import runs_folder
from xaitui.stop import Stop
from xaitui.text import quoted


@with_settings
def command(
    resolution: Resolution,
    runs_dir: RunsDir = None,
    headless: Annotated[bool, typer.Option("--headless", help="Train without a screen.")] = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="Train in the background, whatever becomes of this terminal.")
    ] = False,
    detached: Annotated[bool, typer.Option("--detached", hidden=True)] = False,
    json: Annotated[bool, typer.Option("--json", help="The journal's events on stdout, nothing else.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")] = False,
    probe: Annotated[
        bool, typer.Option("--probe", help="With --dry-run: time a few real steps, and say whether the run fits.")
    ] = False,
) -> int:
    """Train a model; the run is kept in its own directory."""
    if probe and not dry_run:
        raise UsageError("--probe measures and does nothing else: add --dry-run, or leave it away to train")
    if dry_run:
        return _show(resolution.config, probe=probe, as_json=json)
    folder = runs_folder(runs_dir)
    if detach:
        return _detach(resolution.config, folder)
    if not (headless or json):
        return open_console(ConsoleOptions(folder), lambda console: console.start_run(resolution.config))
    from xaitui.cli.run_headless import train

    return train(resolution.config, folder, as_json=json, detached=detached)


def _detach(config: RunConfig, folder: Path) -> int:
    """Start the run in the background, and return once it has begun, or has failed to."""
    process = start_detached(config, folder)
    try:
        return _until_begun(process)
    except KeyboardInterrupt:  # nobody knows of a run: so none may go on
        process.terminate()
        process.wait()
        say("stopped before the run had begun; nothing goes on in the background")
        raise


def _until_begun(process: subprocess.Popen[bytes]) -> int:
    """Pass on what a process says until it has a run; the exit code."""
    assert process.stdout is not None
    for line in process.stdout:
        text = line.decode(errors="replace").rstrip()
        if text.startswith(RUN_LINE):
            put(text)
            name = quoted(Path(shlex.split(text)[1]).name)
            say(f"it goes on in process {process.pid}; look at it with: xaitui attach {name}")
            return int(ExitCode.FINISHED)
        say(text)
    return process.wait()


def _show(config: RunConfig, *, probe: bool, as_json: bool) -> int:
    """Print the configuration and its line; with `probe` also what is measured, and with both options that alone."""
    if not (probe and as_json):
        put(to_toml(config).rstrip())
        put(f"\n# {command_line(config)} --headless")
    if probe:
        found = _probed(config)
        lines = [json_module.dumps(asdict(found), allow_nan=False)] if as_json else [f"# {x}" for x in found.lines()]
        put("\n".join(lines))
    return 0


def _probed(config: RunConfig) -> Preflight:
    """What a few steps tell of a run."""
    from xaitui.jobs.preflight.preflight import preflight

    stop = Stop()
    with stop_on_signals(stop):
        return preflight(config, stop, say)
