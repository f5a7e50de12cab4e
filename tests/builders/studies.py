"""Studies for tests: small ones to be carried out, and trials that are made of events instead of by training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.builders.events import epoch_finished, epoch_started, finished, started, step
from tests.builders.runs import write
from xaitui.config.resolve import build_config
from xaitui.config.toml import to_toml
from xaitui.events import Event
from xaitui.runs.directory import RunDirectory
from xaitui.studies.definition import Study
from xaitui.studies.folder import StudyFolder, create_study
from xaitui.studies.objective import parse_objective
from xaitui.studies.space import parse_vary
from xaitui.studies.trials import Trial

RATES = "optimizer.lr=0.001,0.01"


def study(
    *vary: str,
    name: str = "rates",
    objective: str = "accuracy",
    settings: Mapping[str, Any] | None = None,
    **values: Any,
) -> Study:
    """A study on the embedded digits, unless `settings` says otherwise."""
    base = build_config({"training.epochs": 1, **(settings or {})})
    objectives = tuple(map(parse_objective, objective.split(",")))
    return Study(name=name, base=base, space=dict(map(parse_vary, vary or (RATES,))), objectives=objectives, **values)


def made_study(runs_dir: Path, *vary: str, **values: Any) -> StudyFolder:
    """The folder of a study that nobody has worked on."""
    return create_study(study(*vary, **values), runs_dir)


def made_trial(folder: StudyFolder, trial: Trial, *events: Event) -> RunDirectory:
    """The run of a trial with these events."""
    run = folder.run(trial.id)
    run.path.mkdir(parents=True)
    run.config.write_text(to_toml(trial.config))
    write(run, *events)
    return run


def ended_trial(folder: StudyFolder, trial: Trial, accuracy: float, *, train: float = 0.75) -> RunDirectory:
    """The run of a trial that came to its end after one epoch; test was not read."""
    epoch = replace(epoch_finished(1, accuracy=accuracy), train_accuracy=train)
    end = replace(finished(epoch=1, step=10, best_epoch=1, best=accuracy), test={})
    return made_trial(folder, trial, started(epochs=1), epoch_started(1, 1), step(10), epoch, end)
