"""Trials: the runs of a study, each known by what it computes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from xaitui.config.command_line import setting_text
from xaitui.config.resolve import Layer, resolve
from xaitui.config.schema import FIELDS, RunConfig
from xaitui.config.toml import to_values
from xaitui.config.validity import applies, refused
from xaitui.errors import UsageError
from xaitui.studies.definition import Study
from xaitui.studies.search_points import Point, points
from xaitui.studies.space import ends_of
from xaitui.text import last_part

ID_LENGTH = 16
BASELINE = "baseline"
_NAME_LENGTH = 80
_WITH_PATHS = ("data.dataset", "model.name", "model.weights")


@dataclass(frozen=True)
class Trial:
    """One run of a study."""

    point: Point
    """What differs from the study's base, besides the seed."""
    config: RunConfig

    @property
    def id(self) -> str:
        """Name of its run directory."""
        return trial_id(self.config)

    @property
    def seed(self) -> int:
        """Of the run."""
        return self.config.training.seed

    @property
    def label(self) -> str:
        """What differs, in words: ``lr=0.01 dropout=false``."""
        return point_label(self.point)


def trial_id(config: RunConfig) -> str:
    """What a run computes, as a short word: the hash of its settings without those that change no result.

    Left out are name, device and the rest of the table of the run itself, and the folder of the data. The path of an
    own dataset, own model or weights file stays: it says what is trained. Settings at their defaults are left out
    too, so that a setting of a later version does not give the trials of before another name.
    """
    values = {
        path: value
        for path, value in to_values(config).items()
        if not path.startswith("run.") and path != "data.data_dir" and value != FIELDS[path].default
    }
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:ID_LENGTH]


def point_label(point: Point) -> str:
    """A point in words; the base itself is the baseline."""
    words = [f"{FIELDS[path].option[2:]}={_short(path, value)}" for path, value in point.items()]
    return " ".join(words) or BASELINE


def _short(path: str, value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return last_part(value) if path in _WITH_PATHS else setting_text(FIELDS[path], value)


def trials_of(study: Study, point: Point) -> list[Trial]:
    """The runs of one point, one for each seed.

    Raises:
        UsageError: the point is no configuration.
    """
    return [Trial(point, _config(study, point, seed)) for seed in study.seed_values]


def plan(study: Study) -> list[Trial]:
    """Every trial of a study whose points are known beforehand, each once: the first seed of all points, then the next.

    Raises:
        UsageError: a point is no configuration; says which, before anything is started.
    """
    of_points, every = [], list(points(study))
    for number, point in enumerate(every, 1):
        try:
            check(_config(study, point, study.base.training.seed), point)
            of_points.append(trials_of(study, point))
        except UsageError as error:
            raise UsageError(f"trial {number} of {len(every)} ({point_label(point)}): {error}") from None
    unique: dict[str, Trial] = {}
    for trial in (trials[index] for index in range(study.seeds) for trials in of_points):
        unique.setdefault(trial.id, trial)
    return list(unique.values())


def check_space(study: Study) -> None:
    """Refuse a space that a sampler would find out to be wrong only in its middle.

    Raises:
        UsageError: an end or a choice of a dimension is no value of its setting, or the setting changes nothing.
    """
    check(_config(study, {}, study.base.training.seed), {})
    for path, dimension in study.space.items():
        for value in ends_of(dimension):
            check(_config(study, {path: value}, study.base.training.seed), {path: value})


def check(config: RunConfig, point: Point) -> None:
    """Refuse a configuration that can be told to fail, or in which a varied setting means nothing.

    Raises:
        UsageError: says why.
    """
    if not config.training.batch_size:
        raise UsageError(
            "a study cannot find the batch size, for a trial is known by what it computes: give a number; "
            "xaitui train --batch-size auto --dry-run --probe says which one fits"
        )
    for path, reason in refused(config).items():
        raise UsageError(f"{path}: {reason}")
    for path in point:
        if not applies(path, config):
            raise UsageError(f"{path} changes nothing for {_what_decides(path, config)}; vary something else")


def _what_decides(path: str, config: RunConfig) -> str:
    group = path.split(".", 1)[0]
    if group in ("optimizer", "schedule"):
        return f"the {group} {getattr(config, group).name}"
    return f"{config.model.name} on {config.data.dataset}"


def _config(study: Study, point: Point, seed: int) -> RunConfig:
    """The base with what a point sets; a kind that it chooses drops the settings that only the other one takes."""
    base = Layer("the base", to_values(study.base))
    by_kind_first = dict(sorted(point.items(), key=lambda item: not item[0].endswith(".name")))
    layers = [Layer(FIELDS[path].option, {path: value}) for path, value in by_kind_first.items()]
    config = resolve([base, *layers]).config
    training = config.training.model_copy(update={"seed": seed})
    tags = tuple(dict.fromkeys((*study.base.run.tags, *study.tags)))
    run = config.run.model_copy(update={"name": _run_name(point, seed), "tags": tags})
    return config.model_copy(update={"training": training, "run": run})


def _run_name(point: Point, seed: int) -> str:
    """A name that can stand in a run's file: what differs, and the seed."""
    text = "".join(
        "_" if letter in '/\\:*?"<>|' or not letter.isprintable() else letter for letter in point_label(point)
    )
    return f"{text[: _NAME_LENGTH - 20].lstrip('.-')} seed={seed}"


def point_key(config: RunConfig) -> str:
    """What a point computes, whichever its seed."""
    return trial_id(config.model_copy(update={"training": config.training.model_copy(update={"seed": 0})}))


def by_point(trials: Iterable[Trial]) -> list[Sequence[Trial]]:
    """The trials of each point together, in the order in which the points come."""
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(point_key(trial.config), []).append(trial)
    return list(groups.values())
