"""Training without the console, for `train` and `resume`: execute a run and print its progress."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from xaitui.cli.output.run import Reporter, open_reporter
from xaitui.cli.output.streams import say_where
from xaitui.cli.signals import stop_on_signals
from xaitui.config.schema import RunConfig
from xaitui.errors import ExitCode
from xaitui.events import RunFailed, RunStopped
from xaitui.jobs.train.execution import Execution
from xaitui.jobs.train.resume_options import ResumeOptions
from xaitui.jobs.train.start import begin_again, begin_run
from xaitui.runs.directory import RunDirectory
from xaitui.stop import Stop


def train(config: RunConfig, runs_dir: Path, *, as_json: bool, detached: bool = False) -> int:
    """Train a new run and return its exit code; one that is detached prints to its own log once it has one."""
    return _carry_out(
        lambda stop, reporter: begin_run(config, runs_dir, stop, reporter.say, sys.argv),
        as_json=as_json,
        detached=detached,
    )


def take_up(run: RunDirectory, options: ResumeOptions, *, as_json: bool) -> int:
    """Go on with a run and return its exit code."""
    return _carry_out(lambda stop, reporter: begin_again(run, stop, reporter.say, options), as_json=as_json)


def _carry_out(begin: Callable[[Stop, Reporter], Execution], *, as_json: bool, detached: bool = False) -> int:
    stop = Stop()
    code = ExitCode.FINISHED
    with stop_on_signals(stop), open_reporter(as_json=as_json) as reporter:
        execution = begin(stop, reporter)
        reporter.begin(execution.run)
        if detached:
            _send_output_to(execution.run.log)
        for event in execution.events():
            reporter.show(event)
            if isinstance(event, RunFailed | RunStopped):
                code = ExitCode(event.exit_code)
        if execution.error is not None:
            say_where(execution.error)
    reporter.end()
    return int(code)


def _send_output_to(path: Path) -> None:
    """Append what is printed from here on, by libraries in C too, to a file; whoever listened so far sees an end."""
    sys.stdout.flush()
    sys.stderr.flush()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    for standard in (1, 2):
        os.dup2(descriptor, standard)
    os.close(descriptor)
