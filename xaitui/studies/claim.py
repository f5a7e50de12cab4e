"""Claiming a trial: one process makes its run directory and holds its lock; what it finds there it goes on with."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator

from xaitui.errors import XaituiError
from xaitui.events import RunFailed, RunFinished, RunStopped
from xaitui.runs.directory import RunDirectory
from xaitui.runs.listing.run_list import read_row
from xaitui.runs.lock import BusyError, owning
from xaitui.runs.state import State, summarise
from xaitui.studies.folder import StudyFolder, list_studies, remove_trial
from xaitui.studies.status import PRUNED, StudyReader, TrialState
from xaitui.studies.trials import Trial


@contextlib.contextmanager
def claiming(folder: StudyFolder, trial: Trial, retry_before: float = 0.0) -> Iterator[RunDirectory | None]:
    """Own a trial's run for the length of the block; None where it is over, or another process has it.

    Args:
        retry_before: failures before this wall clock are tried again.

    Raises:
        XaituiError: the folder of the trials cannot be written.
    """
    run = folder.run(trial.id)
    with contextlib.ExitStack() as held:
        try:
            (run.path / "checkpoints").mkdir(parents=True, exist_ok=True)
            held.enter_context(owning(run.lock, run.heartbeat))
            is_ours = _is_open(run, retry_before)
        except BusyError:
            is_ours = False
        except OSError as error:
            raise XaituiError(f"cannot write {run.path}: {error.strerror}") from None
        yield run if is_ours else None


def _is_open(run: RunDirectory, retry_before: float) -> bool:
    """Whether there is something left to do, as the last word of the journal tells."""
    match summarise(run).last:
        case RunFinished():
            return False
        case RunStopped(reason=reason):
            return not reason.startswith(PRUNED)
        case RunFailed(time=when):
            return when < retry_before
        case _:
            return True


def borrow(folder: StudyFolder, trial: Trial) -> bool:
    """Take a finished run of another study that computed the same, by a link; whether there was one."""
    run = folder.run(trial.id)
    if run.path.is_symlink() and not run.path.exists():
        run.path.unlink(missing_ok=True)  # that study was removed
    if run.path.exists():
        return False
    for other in list_studies(folder.path.parent.parent):
        found = other.run(trial.id)
        if other.path == folder.path or found.path.is_symlink() or not found.path.is_dir():
            continue
        if read_row(found).state is State.FINISHED:
            with contextlib.suppress(FileExistsError):
                run.path.symlink_to(os.path.relpath(found.path, run.path.parent), target_is_directory=True)
                return True
    return False


def retry_failed(folder: StudyFolder) -> float:
    """Prepare the failed trials to be tried again; the wall clock before which their failures count no more.

    Those that diverged or were short of memory begin anew, for from their last checkpoint the same would happen.
    """
    for each in StudyReader(folder).read().trials:
        if each.state in (TrialState.DIVERGED, TrialState.OUT_OF_MEMORY):
            remove_trial(each.run)
    return time.time()
