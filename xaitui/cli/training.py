"""What `train` and `resume` share: carry out a run, and show it as it goes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from xaitui.cli.progress import Reporter, open_reporter
from xaitui.cli.signals import stop_on_signals
from xaitui.cli.streams import say_where
from xaitui.config.schema import RunConfig
from xaitui.errors import ExitCode
from xaitui.events import RunFailed, RunStopped
from xaitui.execution.execute import Execution, create
from xaitui.execution.explain import explain
from xaitui.execution.prepare import prepare
from xaitui.execution.resume import ResumeOptions, resume
from xaitui.runs.directory import RunDirectory, create_run
from xaitui.stop import Stop


def train(config: RunConfig, runs_dir: Path, *, as_json: bool) -> int:
    """Train a new run and return its exit code."""

    def begin(stop: Stop, reporter: Reporter) -> Execution:
        prepared = prepare(config, stop, reporter.say)
        return create(prepared, create_run(runs_dir, config), stop, sys.argv)

    return _carry_out(begin, as_json=as_json)


def take_up(run: RunDirectory, options: ResumeOptions, *, as_json: bool) -> int:
    """Go on with a run and return its exit code."""
    return _carry_out(lambda stop, reporter: resume(run, stop, reporter.say, options), as_json=as_json)


def _carry_out(begin: Callable[[Stop, Reporter], Execution], *, as_json: bool) -> int:
    stop = Stop()
    code = ExitCode.FINISHED
    with stop_on_signals(stop), open_reporter(as_json=as_json) as reporter:
        try:
            execution = begin(stop, reporter)
        except (MemoryError, RuntimeError) as error:
            raise explain(error, Path()) from error
        reporter.begin(execution.run)
        for event in execution.events():
            reporter.show(event)
            if isinstance(event, RunFailed | RunStopped):
                code = ExitCode(event.exit_code)
        if execution.error is not None:
            say_where(execution.error)
    reporter.end()
    return int(code)
