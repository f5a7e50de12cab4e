"""The beginning of a run, the same for a command, a thread of the console, a process in the background and a study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from xaitui.config.paths import absolute_paths
from xaitui.config.schema import RunConfig
from xaitui.jobs.failures import failure_of
from xaitui.jobs.preflight.preflight import settle_batch_size
from xaitui.jobs.prepare import Say, prepare
from xaitui.jobs.train.execution import Execution, create
from xaitui.jobs.train.resume import resume
from xaitui.jobs.train.resume_options import ResumeOptions
from xaitui.runs.directory import RunDirectory, create_run
from xaitui.stop import Stop


def begin_run(config: RunConfig, runs_dir: Path, stop: Stop, say: Say, command: Sequence[str]) -> Execution:
    """Prepare a new run and make its directory; in its configuration "auto" batch size is a number, paths are absolute.

    Args:
        say: told while it waits for a GPU or reads a large file.
        command: the words that the run is noted to have been started with.

    Raises:
        XaituiError: it cannot begin; there is no directory.
    """
    try:
        config, found = settle_batch_size(absolute_paths(config), stop, say)
        prepared = prepare(config, stop, say, found=found)
        return create(prepared, create_run(runs_dir, config), stop, command)
    except (MemoryError, RuntimeError) as error:
        raise failure_of(error, Path()) from error


def begin_trial(config: RunConfig, run: RunDirectory, stop: Stop, say: Say, command: Sequence[str]) -> Execution:
    """Prepare a run of a study in a directory that the caller owns; the test split is left for later.

    Raises:
        XaituiError: it cannot begin.
    """
    try:
        execution = create(prepare(config, stop, say), run, stop, command)
    except (MemoryError, RuntimeError) as error:
        raise failure_of(error, run.path) from error
    return replace(execution, owned=True, tests=False)


def begin_again(run: RunDirectory, stop: Stop, say: Say, options: ResumeOptions) -> Execution:
    """Prepare a run of before to go on.

    Raises:
        XaituiError: it cannot; nothing of it was changed.
    """
    try:
        return resume(run, stop, say, options)
    except (MemoryError, RuntimeError) as error:
        raise failure_of(error, run.path) from error


def begin_trial_again(run: RunDirectory, stop: Stop, say: Say) -> Execution:
    """Prepare a run of a study, which the caller owns, to go on; its own model, if it has one, is the study's.

    Raises:
        XaituiError: it cannot; nothing of it was changed.
    """
    return replace(begin_again(run, stop, say, ResumeOptions(trust_model=True)), owned=True, tests=False)
