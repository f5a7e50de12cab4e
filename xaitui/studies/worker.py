"""The work on a study, one trial after the other, in this process. Any number of processes may do it at once."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from xaitui.config.toml import to_toml
from xaitui.errors import ExitCode, OutOfMemoryError, XaituiError
from xaitui.events import EpochFinished, Event, RunFailed
from xaitui.jobs.predict.test_split import score_test
from xaitui.jobs.train.execution import Execution
from xaitui.jobs.train.start import begin_trial, begin_trial_again
from xaitui.runs.directory import RunDirectory
from xaitui.runs.journal.journal import JournalWriter
from xaitui.runs.lock import BusyError, owning
from xaitui.stop import Stop, StoppedError, StopReason
from xaitui.studies.claim import borrow, claiming
from xaitui.studies.folder import StudyFolder
from xaitui.studies.optuna_proposer import Proposer, Pruning, size_of
from xaitui.studies.status import PRUNED, StudyReader, StudyStanding, TrialStanding, TrialState
from xaitui.studies.trials import Trial, point_key, trials_of
from xaitui.system.atomic_files import write_atomic
from xaitui.system.periodic import repeating

LOOK_SECONDS = 1.0
"""Between two looks at whether the study is to stop, and at trials that other processes have."""

_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO)
"""What goes wrong with a disk, and would with every other trial."""


class Watcher(Protocol):
    """Is told what happens."""

    def say(self, text: str) -> None:
        """A line of words."""

    def began(self, trial: Trial, run: RunDirectory, standing: StudyStanding) -> None:
        """A trial begins, or goes on."""

    def happened(self, event: Event) -> None:
        """Something happened to its run."""

    def ended(self, trial: Trial, standing: StudyStanding) -> None:
        """It is over, or saved for later."""


@dataclass
class Work:
    """The work of one process on a study."""

    folder: StudyFolder
    stop: Stop
    watcher: Watcher
    command: Sequence[str]
    """The words that the runs are noted to have been started with."""
    retry_before: float = 0.0
    """Failures before this wall clock are tried again."""
    _attempted: set[str] = field(default_factory=set)
    _proposer: Proposer | None = None

    def __post_init__(self) -> None:
        self._reader = StudyReader(self.folder)
        self._old_request = self._request()

    def carry_out(self) -> StudyStanding:
        """Work until nothing is left to do here, or a stop is asked for; then read the test split of what was chosen.

        Raises:
            XaituiError: the disk or Optuna's storage fails; what is done stays.
        """
        with repeating(self._look_for_stop, every=LOOK_SECONDS, name="study stop"):
            while not self.stop.event.is_set() and self._work_on_next():
                pass
            standing = self._synced()
            if standing.is_complete and not self.stop.event.is_set():
                self._test(standing)
                standing = self._reader.read()
        return standing

    def _look_for_stop(self) -> None:
        """A request that was there before this process was meant for others."""
        if self._request() not in (0, self._old_request):
            self.stop.ask(StopReason("xaitui sweep stop", ExitCode.FINISHED))

    def _request(self) -> int:
        """When the request to stop was made; 0 where there is none."""
        try:
            return self.folder.stop.stat().st_mtime_ns
        except OSError:
            return 0

    def _work_on_next(self) -> bool:
        """Carry out one trial; False where nothing is left."""
        standing = self._synced()
        for each in standing.trials:
            if self._is_candidate(each) and self._work_on(each.trial, standing):
                return True
        if self._propose(standing):
            return True
        if any(each.state in (TrialState.RUNNING, TrialState.PAUSED) for each in standing.trials):
            self.stop.event.wait(LOOK_SECONDS)  # its process may be killed; then it is ours
            return True
        return False

    def _is_candidate(self, each: TrialStanding) -> bool:
        if each.trial.id in self._attempted or each.state.is_live:
            return False
        retried = each.state.has_failed and each.row is not None and bool(self.retry_before)
        return retried or not each.state.is_over

    def _work_on(self, trial: Trial, standing: StudyStanding) -> bool:
        """Whether this process did the trial."""
        if borrow(self.folder, trial):
            return True
        with claiming(self.folder, trial, self.retry_before) as run:
            if run is None:
                return False
            self._attempted.add(trial.id)
            self.watcher.began(trial, run, standing)
            self._train(trial, run)
        self.watcher.ended(trial, self._synced())
        return True

    def _train(self, trial: Trial, run: RunDirectory) -> None:
        part = self.stop.part()
        try:
            execution = self._begin(trial, run, part)
        except StoppedError:
            return
        except XaituiError as error:
            self._check_disk(error.__cause__, run)
            _note_failure(trial, run, error)
            return
        pruning = self._pruning(trial)
        for event in execution.events():
            self.watcher.happened(event)
            if isinstance(event, EpochFinished) and pruning and pruning.gives_up(event.epoch, event.val):
                reason = f"{PRUNED} after epoch {event.epoch}: others did better by then"
                part.ask(StopReason(reason, ExitCode.FINISHED))
        self._check_disk(execution.error, run)

    def _check_disk(self, error: BaseException | None, run: RunDirectory) -> None:
        """End the work where the disk refused: it would refuse every other trial, too.

        Raises:
            XaituiError: it did.
        """
        if isinstance(error, OSError) and error.errno in _DISK:
            raise XaituiError(
                f"{run.path}: {error.strerror}; the study stops here. When there is room: xaitui sweep "
                f"retry --failed {self.folder.name}"
            )

    def _begin(self, trial: Trial, run: RunDirectory, stop: Stop) -> Execution:
        if run.last.exists():
            return begin_trial_again(run, stop, self.watcher.say)
        if run.journal.exists():  # it ended before its first checkpoint: nothing of it can be gone on from
            for path in (run.journal, run.metrics):
                path.unlink(missing_ok=True)
        with _disk(run):
            write_atomic(run.config, to_toml(trial.config))
        return begin_trial(trial.config, run, stop, self.watcher.say, self.command)

    # -- what Optuna proposes

    def _synced(self) -> StudyStanding:
        standing = self._reader.read()
        if standing.study.proposes:
            with self.folder.locked():
                standing = self._reader.read()
                self._optuna(standing).sync(standing)
        return standing

    def _optuna(self, standing: StudyStanding) -> Proposer:
        if self._proposer is None:
            self._proposer = Proposer(self.folder, standing.study)
        return self._proposer

    def _propose(self, standing: StudyStanding) -> bool:
        """Make the directories of one more point; False where there are enough."""
        study = standing.study
        if not study.proposes:
            return False
        with self.folder.locked():
            standing = self._reader.read()
            proposer = self._optuna(standing)
            proposer.sync(standing)
            if len(standing.points) >= min(study.trials, size_of(study)):
                return False
            point = proposer.propose(standing)
            for trial in trials_of(study, point) if point is not None else ():
                run = self.folder.run(trial.id)
                with _disk(run):
                    run.path.mkdir(parents=True, exist_ok=True)
                    write_atomic(run.config, to_toml(trial.config))
        return point is not None

    def _pruning(self, trial: Trial) -> Pruning | None:
        """Of several seeds the first decides; the others are trained to their end."""
        if self._proposer is None or trial.seed != self._reader.study.seed_values[0]:
            return None
        with self.folder.locked():
            return self._proposer.watch(point_key(trial.config))

    # -- test, when the choice has been made

    def _test(self, standing: StudyStanding) -> None:
        for each in chosen_for_test(standing):
            if self.stop.event.is_set():
                return
            if each.row is not None and each.row.test:
                continue
            run = each.run
            with contextlib.suppress(BusyError), owning(run.lock, run.heartbeat):
                self.watcher.say(
                    f"reading the test split with the weights of: {each.trial.label} seed {each.trial.seed}"
                )
                score_test(run, self.stop.part(), self.watcher.say)


def chosen_for_test(standing: StudyStanding) -> list[TrialStanding]:
    """The finished trials whose test split is to be read once all trials are over."""
    points = {"all": standing.points, "best": standing.chosen, "none": ()}[standing.study.tested]
    return [each for point in points for each in point.trials if each.state is TrialState.FINISHED]


def _note_failure(trial: Trial, run: RunDirectory, error: XaituiError) -> None:
    """A run that could not begin says so in its journal, as one does that broke later."""
    kind = OutOfMemoryError.__name__ if isinstance(error, OutOfMemoryError) else type(error).__name__
    with _disk(run):
        if not run.config.exists():
            write_atomic(run.config, to_toml(trial.config))
        journal = JournalWriter(run.journal)
        try:
            journal.append(RunFailed(epoch=0, step=0, kind=kind, message=str(error), exit_code=int(error.exit_code)))
        finally:
            journal.close()


@contextlib.contextmanager
def _disk(run: RunDirectory) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise XaituiError(f"cannot write {run.path}: {error.strerror}; the study stops here") from error
