"""Optuna's storage says what the runs say, whatever becomes of it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import optuna
import pytest
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState as OptunaState

from tests.builders.events import started
from tests.builders.studies import ended_trial, made_study, made_trial
from xaitui.errors import UsageError, XaituiError
from xaitui.events import RunFailed
from xaitui.studies.folder import StudyFolder
from xaitui.studies.optuna_proposer import Proposer, size_of
from xaitui.studies.status import StudyReader
from xaitui.studies.trials import trials_of

SEARCH = {"sampler": "tpe", "trials": 4}


def opened(folder: StudyFolder) -> optuna.Study:
    """What another tool sees in the storage."""
    storage = optuna.storages.JournalStorage(JournalFileBackend(str(folder.journal)))
    return optuna.load_study(study_name=folder.name, storage=storage)


def searched(folder: StudyFolder, values: list[float]) -> None:
    """Points that Optuna proposed and that reached these values."""
    proposer, study = Proposer(folder, folder.read()), folder.read()
    for value in values:
        standing = StudyReader(folder).read()
        proposer.sync(standing)
        point = proposer.propose(standing)
        assert point is not None
        for trial in trials_of(study, point):
            ended_trial(folder, trial, value)
    proposer.sync(StudyReader(folder).read())


def test_what_became_of_a_trial_is_told(runs_dir: Path) -> None:
    folder = made_study(runs_dir, "lr=0.001..0.1:log", **SEARCH)
    searched(folder, [0.5, 0.75])
    assert [(trial.state, trial.value) for trial in opened(folder).trials] == [
        (OptunaState.COMPLETE, 0.5),
        (OptunaState.COMPLETE, 0.75),
    ]


def test_a_storage_that_was_lost_is_made_again_from_the_runs(runs_dir: Path) -> None:
    folder = made_study(runs_dir, "lr=0.001..0.1:log", "batch-size=16,32", **SEARCH)
    searched(folder, [0.5, 0.75, 0.6])
    before = {tuple(sorted(trial.params.items())): trial.value for trial in opened(folder).trials}
    folder.journal.unlink()
    Proposer(folder, folder.read()).sync(StudyReader(folder).read())
    assert {tuple(sorted(trial.params.items())): trial.value for trial in opened(folder).trials} == before


def test_a_trial_that_was_proposed_and_never_made_is_closed(runs_dir: Path) -> None:
    folder = made_study(runs_dir, "lr=0.001..0.1:log", **SEARCH)
    proposer = Proposer(folder, folder.read())
    proposer.propose(StudyReader(folder).read())
    Proposer(folder, folder.read()).sync(StudyReader(folder).read())
    assert [trial.state for trial in opened(folder).trials] == [OptunaState.FAIL]


def test_a_failed_trial_is_told_as_failed_and_the_mean_of_its_seeds_else(runs_dir: Path) -> None:
    folder = made_study(runs_dir, "lr=0.001..0.1:log", seeds=2, **SEARCH)
    study, proposer = folder.read(), Proposer(folder, folder.read())
    point = proposer.propose(StudyReader(folder).read())
    assert point is not None
    for trial in trials_of(study, point):
        made_trial(folder, trial, started(), RunFailed(epoch=1, step=1, kind="X", message="m", exit_code=5))
    second = proposer.propose(StudyReader(folder).read())
    assert second is not None
    for trial, value in zip(trials_of(study, second), (0.5, 0.7), strict=True):
        ended_trial(folder, trial, value)
    proposer.sync(StudyReader(folder).read())
    assert [(each.state, each.value) for each in opened(folder).trials] == [
        (OptunaState.FAIL, None),
        (OptunaState.COMPLETE, pytest.approx(0.6)),
    ]


def test_a_small_space_is_tried_to_its_end_and_nothing_twice(runs_dir: Path) -> None:
    folder = made_study(runs_dir, "lr=0.001,0.01", "batch-size=16,32", sampler="tpe", trials=50)
    assert size_of(folder.read()) == 4
    searched(folder, [0.1, 0.2, 0.3, 0.4])
    assert len(StudyReader(folder).read().points) == 4
    assert Proposer(folder, folder.read()).propose(StudyReader(folder).read()) is None


@pytest.mark.parametrize("sampler", ["tpe", "cma-es", "nsga2"])
def test_each_sampler_proposes_within_its_space(runs_dir: Path, sampler: str) -> None:
    folder = made_study(runs_dir, "lr=0.001..0.1:log", "batch-size=16..64:16", sampler=sampler, trials=4)
    searched(folder, [0.1, 0.2, 0.3])
    points = [point.point for point in StudyReader(folder).read().points]
    assert len(points) == 3
    assert all(0.001 <= point["optimizer.lr"] <= 0.1 for point in points)
    assert {point["training.batch_size"] for point in points} <= {16, 32, 48, 64}


def test_several_objectives_are_told_together(runs_dir: Path) -> None:
    folder = made_study(runs_dir, "lr=0.001..0.1:log", sampler="nsga2", trials=4, objective="accuracy,parameters")
    searched(folder, [0.1])
    assert opened(folder).trials[0].values == [0.1, 100.0]
    assert [direction.name for direction in opened(folder).directions] == ["MAXIMIZE", "MINIMIZE"]


def test_a_study_with_other_objectives_under_the_name_is_refused(runs_dir: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    folder = made_study(runs_dir, "lr=0.001..0.1:log", storage=url, **SEARCH)
    Proposer(folder, folder.read())
    other = made_study(runs_dir / "other", "lr=0.001..0.1:log", storage=url, objective="loss", **SEARCH)
    with pytest.raises(
        UsageError, match="the storage has a study 'rates' with other objectives; choose another --name"
    ):
        Proposer(other, other.read())


@pytest.mark.parametrize(
    ("storage", "reason"),
    [
        ("sqlite:////nowhere/at/all/a.db", "cannot use the storage .*unable to open database file"),
        ("nosuch://host/a", "cannot use the storage nosuch://host/a: "),
        ("not a url", "cannot use the storage not a url: "),
    ],
)
def test_a_storage_that_cannot_be_opened_is_one_line(runs_dir: Path, storage: str, reason: str) -> None:
    folder = made_study(runs_dir, "lr=0.001..0.1:log", storage=storage, **SEARCH)
    with pytest.raises(UsageError, match=reason) as error:
        Proposer(folder, folder.read())
    assert "\n" not in str(error.value)


def test_a_storage_that_is_locked_is_one_line(runs_dir: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db?timeout=0.1"
    folder = made_study(runs_dir, "lr=0.001..0.1:log", storage=url, **SEARCH)
    proposer = Proposer(folder, folder.read())
    with sqlite3.connect(tmp_path / "a.db", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(XaituiError, match=r"Optuna's storage failed: .*database is locked"):
            proposer.propose(StudyReader(folder).read())
        other.execute("ROLLBACK")
    assert proposer.propose(StudyReader(folder).read()) is not None
