"""A study: a base configuration, what is varied in it, by which sampler, for which objective, with how many seeds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from xaitui.config.paths import absolute_paths, absolute_value
from xaitui.config.schema import RunConfig
from xaitui.errors import UsageError, nearest
from xaitui.studies.objective import Objective, parse_objective
from xaitui.studies.samplers import PRUNERS, SAMPLERS
from xaitui.studies.space import Choices, Dimension, Range, Space

NAME = re.compile(r"[\w][\w.+=-]{0,79}")
MOST_SEEDS, MOST_TRIALS = 1_000, 100_000

TESTED: Mapping[str, str] = {
    "best": "The best settings, once all trials are over.",
    "all": "Every trial, once all of them are over: for tables in which nothing is chosen.",
    "none": "Nothing.",
}


@dataclass(frozen=True)
class Study:
    """A list of ordinary runs, or the rule that makes it."""

    name: str
    base: RunConfig
    space: Space
    sampler: str = "one-at-a-time"
    objectives: tuple[Objective, ...] = ()
    """The first decides which trial is best; empty is replaced by the metric that the base monitors."""
    seeds: int = 1
    """Runs of each setting, with the seeds of the base and those after it."""
    trials: int = 0
    """Settings to be tried, for a sampler that has no end of its own."""
    pruner: str = "none"
    storage: str = ""
    """Where Optuna keeps what it knows: an SQLAlchemy URL, or nothing for a file beside the trials."""
    tested: str = "best"
    """Of which trials the test split is read in the end."""
    note: str = ""
    """A line for people."""
    tags: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        """Fill in the objective, and refuse what does not go together.

        Raises:
            UsageError: says what does not.
        """
        if not self.objectives:
            metric, mode = self.base.training.monitor, self.base.training.mode
            usual = parse_objective(metric if mode == "auto" else f"{metric}:{mode}")
            object.__setattr__(self, "objectives", (usual,))
        _check_name(self.name)
        _check_numbers(self)
        _check_sampler(self)
        if self.pruner not in PRUNERS:
            raise UsageError(f"there is no pruner {self.pruner!r}{nearest(self.pruner, PRUNERS)}")
        if self.pruner != "none":
            _check_pruner(self)
        if self.tested not in TESTED:
            raise UsageError(f"{self.tested!r} is not known{nearest(self.tested, TESTED)}")

    @property
    def proposes(self) -> bool:
        """Whether what is tried depends on what was found."""
        return SAMPLERS[self.sampler].proposes

    @property
    def tested_metric(self) -> str:
        """The metric of the test split that stands beside the objective."""
        return self.objectives[0].metric or "accuracy"

    @property
    def seed_values(self) -> range:
        """The seeds of each setting."""
        first = self.base.training.seed
        return range(first, first + self.seeds)

    def same_search(self, other: Study) -> bool:
        """Whether both try the same things; another number of seeds or trials goes on with what is there."""
        loose: dict[str, Any] = {"seeds": 1, "trials": 0, "note": "", "tags": (), "tested": "best"}
        if SAMPLERS[self.sampler].counted:
            loose["trials"] = 1
        return _without_place(replace(self, **loose)) == _without_place(replace(other, **loose))


def with_absolute_paths(study: Study) -> Study:
    """A new study with each path in it made absolute, so that any folder will do to go on with it."""
    space: dict[str, Dimension] = {
        path: Choices(tuple(absolute_value(path, value) for value in dimension.values))
        if isinstance(dimension, Choices)
        else dimension
        for path, dimension in study.space.items()
    }
    return replace(study, base=absolute_paths(study.base), space=space)


def _without_place(study: Study) -> Study:
    """Where it runs, where its data lies and how its paths are written make no other study of it."""
    study = with_absolute_paths(study)
    base = study.base
    data = base.data.model_copy(update={"data_dir": ""})
    return replace(study, base=base.model_copy(update={"run": RunConfig().run, "data": data}))


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot name a study; use up to 80 letters, digits, '-', '_', '=', '+' and inner dots"
        )


def _check_numbers(study: Study) -> None:
    if not 1 <= study.seeds <= MOST_SEEDS:
        raise UsageError(f"--seeds takes a whole number from 1 to {MOST_SEEDS}, not {study.seeds}")
    if not 0 <= study.trials <= MOST_TRIALS:
        raise UsageError(f"--trials takes a whole number from 1 to {MOST_TRIALS}, not {study.trials}")
    if not study.space:
        raise UsageError("there is nothing to vary; add --vary optimizer.lr=0.001,0.01")


def _check_sampler(study: Study) -> None:
    if study.sampler not in SAMPLERS:
        raise UsageError(f"there is no sampler {study.sampler!r}{nearest(study.sampler, SAMPLERS)}")
    info = SAMPLERS[study.sampler]
    if info.counted and not study.trials:
        raise UsageError(f"{info.name} has no end of its own; add --trials 20")
    if not info.counted and study.trials:
        raise UsageError(f"{info.name} tries what its space has; leave --trials away, or choose --sampler random")
    if len(study.objectives) > 1 and not info.several:
        raise UsageError(f"{info.name} follows one objective; choose --sampler nsga2 or tpe for several")
    if study.storage and not info.proposes:
        raise UsageError(f"{info.name} needs no storage; leave --optuna-storage away")
    for path, dimension in study.space.items():
        _check_dimension(info.name, path, dimension)


def _check_dimension(sampler: str, path: str, dimension: Dimension) -> None:
    info = SAMPLERS[sampler]
    if isinstance(dimension, Range) and not (info.ranges or dimension.step):
        raise UsageError(f"{path}: {sampler} tries single values; write them out, or give the range a step (..:STEP)")
    if info.numbers_only and isinstance(dimension, Choices):
        raise UsageError(f"{path}: {sampler} moves through ranges of numbers only; write LOW..HIGH, or choose tpe")


def _check_pruner(study: Study) -> None:
    if not study.proposes:
        raise UsageError(f"pruning is for samplers that learn from trials; choose --sampler tpe, not {study.sampler}")
    if len(study.objectives) > 1:
        raise UsageError("pruning follows one objective; name one, or leave --pruner away")
    if not study.objectives[0].metric:
        raise UsageError(f"{study.objectives[0].name} is not known before the end; pruning needs a validation metric")
