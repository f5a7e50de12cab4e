"""The beginning of a run, the same for a command, a thread of the console and a process in the background."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from xaitui.config.schema import RunConfig
from xaitui.execution.execute import Execution, create
from xaitui.execution.explain import explain
from xaitui.execution.options import ResumeOptions
from xaitui.execution.prepare import Say, prepare
from xaitui.execution.resume import resume
from xaitui.runs.directory import RunDirectory, create_run
from xaitui.stop import Stop


def begin_run(config: RunConfig, runs_dir: Path, stop: Stop, say: Say, command: Sequence[str]) -> Execution:
    """Prepare a new run and make its directory.

    Args:
        say: told while it waits for a GPU or reads a large file.
        command: the words that the run is noted to have been started with.

    Raises:
        XaituiError: it cannot begin; there is no directory.
    """
    try:
        prepared = prepare(config, stop, say)
        return create(prepared, create_run(runs_dir, config), stop, command)
    except (MemoryError, RuntimeError) as error:
        raise explain(error, Path()) from error


def begin_again(run: RunDirectory, stop: Stop, say: Say, options: ResumeOptions) -> Execution:
    """Prepare a run of before to go on.

    Raises:
        XaituiError: it cannot; nothing of it was changed.
    """
    try:
        return resume(run, stop, say, options)
    except (MemoryError, RuntimeError) as error:
        raise explain(error, run.path) from error
