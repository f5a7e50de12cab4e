"""The folder of a study: its definition, its trials, and what processes leave for each other."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from xaitui.errors import DataError, UsageError, XaituiError, nearest
from xaitui.runs.directory import STUDIES, TRIALS, RunDirectory
from xaitui.studies.definition import Study, with_absolute_paths
from xaitui.studies.study_file import from_toml, to_toml
from xaitui.system.atomic_files import write_atomic
from xaitui.system.file_lock import locked


@dataclass(frozen=True)
class StudyFolder:
    """The files of one study."""

    path: Path

    @property
    def name(self) -> str:
        """Name of the folder, which is the study's."""
        return self.path.name

    @property
    def definition(self) -> Path:
        """What the study is; written first."""
        return self.path / "study.toml"

    @property
    def trials(self) -> Path:
        """The runs, each in a folder named by its trial's id."""
        return self.path / TRIALS

    @property
    def journal(self) -> Path:
        """Optuna's own storage; it can be made again from the trials."""
        return self.path / "optuna.log"

    @property
    def stop(self) -> Path:
        """A request to every process that works on the study."""
        return self.path / "stop"

    @property
    def words(self) -> Path:
        """What a process said that carries the study out in the background."""
        return self.path / "study.log"

    def run(self, trial_id: str) -> RunDirectory:
        """The run of a trial, made or not."""
        return RunDirectory(self.trials / trial_id)

    def log(self, worker: int) -> Path:
        """Words of a worker process."""
        return self.path / f"worker-{worker}.log"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Be the one process that proposes trials for the length of the block."""
        with locked(self.path / "lock", create=True):
            yield

    def read(self) -> Study:
        """The definition.

        Raises:
            DataError: it cannot be read.
        """
        try:
            return from_toml(self.definition.read_text(encoding="utf-8"), self.definition.name, self.name)
        except OSError as error:
            raise DataError(f"cannot read {self.definition}: {error.strerror}") from None
        except (UnicodeDecodeError, UsageError) as error:
            raise DataError(f"study {self.name} is damaged: {error}") from None


def studies_dir(runs_dir: Path) -> Path:
    """Where the studies of a folder of runs are."""
    return runs_dir.absolute() / STUDIES


def list_studies(runs_dir: Path) -> list[StudyFolder]:
    """Every study of a folder of runs, that which was last worked on first."""
    folder = studies_dir(runs_dir)
    if not folder.is_dir():
        return []
    found = [StudyFolder(path) for path in folder.iterdir() if (path / "study.toml").is_file()]
    return sorted(found, key=_last_worked_on, reverse=True)


def _last_worked_on(study: StudyFolder) -> float:
    return max((path.stat().st_mtime for path in (study.definition, study.trials) if path.exists()), default=0.0)


def find_study(name: str, runs_dir: Path) -> StudyFolder:
    """The study of that name, or the last one that was worked on for ``last``.

    Raises:
        UsageError: there is none.
    """
    known = list_studies(runs_dir)
    if name == "last" and known:
        return known[0]
    for study in known:
        if study.name == name.removeprefix("study:"):
            return study
    if not known:
        raise UsageError(
            f"there are no studies in {runs_dir}; start one with: xaitui sweep --vary optimizer.lr=0.001,0.01"
        )
    raise UsageError(f"there is no study {name!r} in {runs_dir}{nearest(name, [study.name for study in known])}")


def create_study(study: Study, runs_dir: Path) -> StudyFolder:
    """Make the folder of a study, or take up the one of that name if it searches the same.

    Raises:
        UsageError: another study has the name, or the folder cannot be written.
    """
    folder = StudyFolder(studies_dir(runs_dir) / study.name)
    if folder.definition.exists():
        before = folder.read()
        if not before.same_search(study):
            raise UsageError(
                f"there is another study {study.name!r}, with {_difference(before, study)}; choose another --name, or "
                f"go on with that one: xaitui sweep resume {study.name}"
            )
        same = with_absolute_paths(before)
        if (same.base, same.space) == (study.base, study.space):  # with its paths as they are: they name the trials
            study = replace(study, base=before.base, space=before.space)
        if before == study:
            return folder
    try:
        folder.trials.mkdir(parents=True, exist_ok=True)
        write_atomic(folder.definition, to_toml(study))
    except OSError as error:
        raise UsageError(
            f"cannot make the study in {folder.path}: {error.strerror}; choose another --runs-dir"
        ) from None
    return folder


def _difference(before: Study, now: Study) -> str:
    if before.space != now.space:
        return "another space"
    for name in ("sampler", "objectives", "pruner", "storage"):
        if getattr(before, name) != getattr(now, name):
            return f"another {name.removesuffix('s')}"
    return "another base"


def remove_trial(run: RunDirectory) -> None:
    """Remove what a trial left, to run it anew.

    Raises:
        XaituiError: it cannot be removed.
    """
    try:
        run.path.unlink() if run.path.is_symlink() else shutil.rmtree(run.path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise XaituiError(f"cannot remove {run.path}: {error.strerror}") from None
