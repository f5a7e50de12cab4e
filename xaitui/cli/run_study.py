"""Execution of a study, for several commands: in this process, in worker processes, or in the background."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Sequence

from xaitui.cli.output.streams import put, put_all, say
from xaitui.cli.output.study import standing_lines, trial_line
from xaitui.cli.signals import stop_on_signals
from xaitui.errors import ExitCode, UsageError
from xaitui.events import Event
from xaitui.runs.directory import RunDirectory
from xaitui.stop import Stop, StopReason
from xaitui.studies.folder import StudyFolder
from xaitui.studies.status import StudyReader, StudyStanding
from xaitui.studies.trials import Trial
from xaitui.studies.worker_processes import MOST_WORKERS, interrupt, last_words, start_in_background, start_workers

POLL_SECONDS = 1.0


class StudyReporter:
    """A line when a trial begins, and one when it is over; on a terminal a live bar of its epoch."""

    def __init__(self) -> None:
        self._bar = None
        if sys.stdout.isatty():
            from xaitui.cli.output.run import LiveBar

            self._bar = LiveBar()

    def __enter__(self) -> StudyReporter:
        """Show the bar."""
        if self._bar is not None:
            self._bar.progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.progress.stop()

    def say(self, text: str) -> None:
        """A line of words."""
        self._print(text) if self._bar is not None else say(text)

    def began(self, trial: Trial, run: RunDirectory, standing: StudyStanding) -> None:
        """Say which trial it is."""
        self._print(f"{_place(standing)}  {trial.label} seed {trial.seed} ...")

    def happened(self, event: Event) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.move(event)

    def ended(self, trial: Trial, standing: StudyStanding) -> None:
        """Say what became of it."""
        each = next((each for each in standing.trials if each.trial.id == trial.id), None)
        if each is not None:
            self._print(f"{_place(standing)}  {trial_line(each, standing.study)}")

    def _print(self, text: str) -> None:
        self._bar.print(text) if self._bar is not None else put(text)


def _place(standing: StudyStanding) -> str:
    width = len(str(standing.expected))
    return f"{standing.over:>{width}}/{standing.expected}"


def work_here(folder: StudyFolder, retry_before: float = 0.0, *, shows: bool = True) -> int:
    """Work on a study in this process; its exit code."""
    from xaitui.studies.worker import Work

    stop = Stop()
    with stop_on_signals(stop), StudyReporter() as reporter:
        standing = Work(folder, stop, reporter, sys.argv, retry_before).carry_out()
    return _end(standing, stop.after_epoch, shows=shows)


def work_in_workers(folder: StudyFolder, count: int, retry_before: float = 0.0, *, shows: bool = True) -> int:
    """Have worker processes do the work, and tell of it until they are done; the exit code."""
    if not 1 <= count <= MOST_WORKERS:
        raise UsageError(f"--workers takes a whole number from 1 to {MOST_WORKERS}, not {count}")
    stop, told = Stop(), set[str]()
    reader = StudyReader(folder)
    asked: StopReason | None = None
    with stop_on_signals(stop):
        workers = start_workers(folder, count, [f"--retry-before={retry_before}"] if retry_before else [])
        say(f"{count} workers; their words are in {folder.log(0).parent}/worker-*.log")
        while any(worker.process.poll() is None for worker in workers):
            if stop.after_epoch is not None and asked is None:
                asked = stop.after_epoch
                interrupt(workers, signal.SIGTERM if asked.exit_code is ExitCode.TERMINATED else signal.SIGINT)
            _tell(reader.read(), told)
            time.sleep(POLL_SECONDS)
    standing = reader.read()
    _tell(standing, told)
    for worker in workers:
        code = worker.process.returncode
        if code not in (0, ExitCode.TRIALS_FAILED) and asked is None:
            say(f"worker {worker.number} ended with {code}: {last_words(folder.log(worker.number))}")
    return _end(standing, asked, shows=shows)


def _tell(standing: StudyStanding, told: set[str]) -> None:
    for each in standing.trials:
        if each.state.is_over and each.trial.id not in told:
            told.add(each.trial.id)
            put(f"{_place(standing)}  {trial_line(each, standing.study)}")


def detach(folder: StudyFolder, workers: int, more: Sequence[str]) -> int:
    """Go on in the background, whatever becomes of this terminal."""
    process = start_in_background(folder, workers, more)
    put(f"study  {folder.path}")
    say(f"it goes on in process {process.pid}; look at it with: xaitui sweep status {folder.name}")
    return int(ExitCode.FINISHED)


def _end(standing: StudyStanding, reason: StopReason | None, *, shows: bool) -> int:
    if shows:
        put("")
        put_all(standing_lines(standing))
        put(f"study  {standing.folder.path}")
    if reason is not None:
        say(f"stopped by {reason.text}; go on with: xaitui sweep resume {standing.study.name}")
        return int(reason.exit_code)
    if standing.undefined:
        say(
            f"{', '.join(standing.undefined)} is undefined in every trial: choose another --objective, such as accuracy"
        )
        return int(ExitCode.TRIALS_FAILED)
    if standing.has_failures:
        say(f"some trials failed; try them again with: xaitui sweep retry --failed {standing.study.name}")
        return int(ExitCode.TRIALS_FAILED)
    return int(ExitCode.FINISHED)


def begin(folder: StudyFolder, workers: int, *, background: bool, retry_before: float = 0.0) -> int:
    """Take a study up, in the way that was asked for."""
    if background:
        folder.stop.unlink(missing_ok=True)
        return detach(folder, workers, [f"--retry-before={retry_before}"] if retry_before else [])
    return take_up(folder, workers, retry_before)


def take_up(folder: StudyFolder, workers: int, retry_before: float = 0.0, *, shows: bool = True) -> int:
    """Work on a study here or in worker processes until it is done or stopped, then show it; the exit code."""
    folder.stop.unlink(missing_ok=True)
    put(f"study  {folder.path}")
    if workers:
        return work_in_workers(folder, workers, retry_before, shows=shows)
    return work_here(folder, retry_before, shows=shows)
