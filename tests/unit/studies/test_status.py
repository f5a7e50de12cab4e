from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.builders.events import epoch_finished, epoch_started, finished, started, step
from tests.builders.runs import own, write
from tests.builders.studies import ended_trial, made_study, made_trial
from xaitui.errors import DataError
from xaitui.events import Evaluated, RunFailed, RunStopped
from xaitui.runs.directory import list_runs
from xaitui.studies.importance import eta_squared, importance
from xaitui.studies.paired_comparison import paired_rows
from xaitui.studies.status import StudyReader, TrialState
from xaitui.studies.trials import plan


def test_the_state_of_a_trial_is_its_runs(runs_dir: Path) -> None:
    folder = made_study(runs_dir, "epochs=1..9:1", settings={"training.epochs": 1})
    trials = plan(folder.read())
    ended_trial(folder, trials[0], 0.5)
    begun = (started(), epoch_started(1), step(1))
    for trial, code in zip(trials[1:4], (1, 4, 5), strict=True):
        made_trial(folder, trial, *begun, RunFailed(epoch=1, step=1, kind="X", message="m", exit_code=code))
    reasons = ("pruned after epoch 1: others did better by then", "SIGINT")
    for trial, reason in zip(trials[4:6], reasons, strict=True):
        made_trial(
            folder, trial, *begun, RunStopped(epoch=1, step=1, reason=reason, exit_code=0, saved=True, seconds=1.0)
        )
    made_trial(folder, trials[6], *begun)
    own(made_trial(folder, trials[7], *begun))
    found = StudyReader(folder).read()
    assert [each.state for each in found.trials] == [
        TrialState.FINISHED,
        TrialState.FAILED,
        TrialState.OUT_OF_MEMORY,
        TrialState.DIVERGED,
        TrialState.PRUNED,
        TrialState.STOPPED,
        TrialState.INTERRUPTED,
        TrialState.RUNNING,
        TrialState.WAITING,
    ]
    assert (found.over, found.expected, found.is_complete, found.is_live, found.has_failures) == (
        5,
        9,
        False,
        True,
        True,
    )


def test_points_are_judged_by_the_mean_of_their_seeds(runs_dir: Path) -> None:
    folder = made_study(runs_dir, "lr=0.001,0.01,0.1", seeds=2)
    for trial, accuracy in zip(plan(folder.read()), (0.8, 0.9, 0.95, 0.8, 0.8, 0.2), strict=True):
        ended_trial(folder, trial, accuracy)
    found = StudyReader(folder).read()
    assert [point.label for point in found.ranked] == ["lr=0.01", "baseline", "lr=0.1"]
    assert found.best is found.ranked[0]
    assert found.best.spreads[0].mean == pytest.approx(0.85)
    rows = paired_rows(found)
    assert [row.point.label for row in rows] == ["baseline", "lr=0.01", "lr=0.1"]
    assert rows[0].difference is None
    assert rows[1].difference is not None
    assert rows[1].difference.mean == pytest.approx(0.05)
    assert rows[1].difference.low < 0 < rows[1].difference.high


def test_a_loss_is_better_when_it_is_less_and_an_unfinished_point_is_not_the_best(runs_dir: Path) -> None:
    folder = made_study(runs_dir, "lr=0.001,0.01,0.1", seeds=2, objective="accuracy:min")
    trials = plan(folder.read())
    for trial, accuracy in zip(trials[:5], (0.8, 0.9, 0.1, 0.8, 0.7), strict=True):
        ended_trial(folder, trial, accuracy)
    found = StudyReader(folder).read()
    assert found.ranked[0].label == "lr=0.1"
    assert found.best is not None
    assert found.best.label == "baseline"


def test_the_test_split_of_a_study_is_read_after_the_end_of_its_runs(runs_dir: Path) -> None:
    folder = made_study(runs_dir)
    trial = plan(folder.read())[0]
    run = ended_trial(folder, trial, 0.8)
    reader = StudyReader(folder)
    assert math.isnan(reader.read().points[0].test.mean)
    write(run, Evaluated(epoch=1, step=10, split="test", scores={"accuracy": 0.75}, seconds=1.0))
    found = reader.read()
    assert found.trials[0].state is TrialState.FINISHED
    assert found.points[0].test.mean == 0.75


def test_several_objectives_have_a_value_each(runs_dir: Path) -> None:
    folder = made_study(runs_dir, objective="accuracy,parameters,loss")
    made_trial(
        folder, plan(folder.read())[0], started(parameters=77), epoch_started(1), epoch_finished(1, accuracy=0.5)
    )
    values = StudyReader(folder).read().trials[0].values
    assert values[:2] == (0.5, 77.0)
    assert math.isfinite(values[2])


def test_of_several_objectives_all_that_none_dominates_are_chosen(runs_dir: Path) -> None:
    folder = made_study(runs_dir, "lr=0.1,0.2,0.3,0.4", sampler="grid", objective="accuracy,parameters")
    for trial, accuracy, size in zip(plan(folder.read()), (0.9, 0.8, 0.7, 0.8), (90, 20, 30, 20), strict=True):
        begun = (started(epochs=1, parameters=size), epoch_started(1, 1), epoch_finished(1, accuracy=accuracy))
        made_trial(folder, trial, *begun, finished(epoch=1, step=10, best_epoch=1, best=accuracy))
    found = StudyReader(folder).read()
    assert [point.label for point in found.chosen] == ["lr=0.1", "lr=0.2", "lr=0.4"]
    assert found.best is found.chosen[0]


def test_a_search_is_read_back_from_the_configurations_of_its_runs(runs_dir: Path) -> None:
    folder = made_study(runs_dir, "lr=0.001..0.1:log", sampler="random", trials=3)
    for trial in plan(folder.read()):
        ended_trial(folder, trial, 0.5)
    definition = folder.definition.read_text().replace('"random"', '"tpe"')
    folder.definition.write_text(definition)
    found = StudyReader(folder).read()
    assert len(found.points) == 3
    assert {each.trial.id for each in found.trials} == {run.id for run in list_runs(folder.trials)}
    assert all(0.001 <= each.trial.point["optimizer.lr"] <= 0.1 for each in found.trials)


def test_a_damaged_definition_is_one_line(runs_dir: Path) -> None:
    folder = made_study(runs_dir)
    folder.definition.write_text("seeds = [")
    with pytest.raises(DataError, match=r"study rates is damaged: study\.toml is no TOML"):
        StudyReader(folder).read()


def test_the_share_of_the_variance_that_a_setting_explains() -> None:
    assert eta_squared(["a", "a", "b", "b"], [1.0, 1.0, 3.0, 3.0]) == 1.0
    assert eta_squared(["a", "b", "a", "b"], [1.0, 1.0, 3.0, 3.0]) == 0.0
    assert eta_squared(["a", "a", "b", "b"], [1.0, 2.0, 2.0, 3.0]) == pytest.approx(0.5)
    assert eta_squared(["a", "a", "b"], [1.0, 2.0, 3.0]) is None
    assert eta_squared(["a", "a", "a", "a"], [1.0, 2.0, 3.0, 4.0]) is None


def test_what_matters_most_stands_first(runs_dir: Path) -> None:
    folder = made_study(runs_dir, "lr=0.001,0.01", "batch-size=16,32", sampler="grid")
    for trial in plan(folder.read()):
        value = (
            0.5
            + (0.4 if trial.config.optimizer.lr == 0.01 else 0)
            + (0.05 if trial.config.training.batch_size == 16 else 0)
        )
        ended_trial(folder, trial, value)
    shares = dict(importance(StudyReader(folder).read()))
    assert list(shares) == ["optimizer.lr", "training.batch_size"]
    assert shares["optimizer.lr"] == pytest.approx(0.985, abs=0.01)
