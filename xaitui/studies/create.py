"""Creation of a study from a command or a form; everything is checked before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from xaitui.catalog.datasets import check_size, dataset_info, is_own_data
from xaitui.catalog.presets import PRESETS
from xaitui.config.command_line import differences, option_word, setting_text
from xaitui.config.resolve import Layer, preset_layer, resolve_over
from xaitui.config.schema import FIELDS, RunConfig
from xaitui.config.toml import file_layer, read_text, to_values
from xaitui.data.locate import require_file, user_path
from xaitui.errors import DataError, UsageError, nearest
from xaitui.studies.definition import Study, with_absolute_paths
from xaitui.studies.objective import parse_objective
from xaitui.studies.samplers import SAMPLERS
from xaitui.studies.space import Choices, Space, dimension_text, parse_dimension, parse_vary, setting_path
from xaitui.studies.study_file import from_toml
from xaitui.studies.trials import Trial, check_space, plan


@dataclass(frozen=True)
class StudyWords:
    """A study as somebody writes it, in a command line or a form: texts, by what they are called there."""

    base: str = ""
    """A preset, a TOML file of settings, or nothing for the defaults."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the base besides, by dotted path."""
    vary: Sequence[str] = ()
    """``SETTING=VALUES``, as `parse_vary` takes them."""
    toggle: Sequence[str] = ()
    """``SETTING`` for one that is on or off, ``SETTING=VALUE`` for another value: for ablations."""
    name: str = ""
    sampler: str = "one-at-a-time"
    objective: str = ""
    """Comma-separated; empty for what the base monitors."""
    seeds: int = 1
    trials: int = 0
    pruner: str = "none"
    storage: str = ""
    tested: str = "best"

    def study(self) -> Study:
        """The study that they mean.

        Raises:
            UsageError: a word is wrong; says which.
        """
        base = resolve_base(self.base, self.settings)
        space: dict[str, Any] = {}
        for path, dimension in [*map(parse_vary, self.vary), *(parse_toggle(word, base) for word in self.toggle)]:
            if path in space:
                raise UsageError(f"{path} is named twice; give all its values at once")
            space[path] = dimension
        objectives = tuple(map(parse_objective, filter(None, self.objective.split(","))))
        return with_absolute_paths(
            Study(
                name=self.name or default_name(base, space),
                base=base,
                space=space,
                sampler=self.sampler,
                objectives=objectives,
                seeds=self.seeds,
                trials=self.trials,
                pruner=self.pruner,
                storage=self.storage,
                tested=self.tested,
            )
        )


def resolve_base(name: str, settings: Mapping[str, Any]) -> RunConfig:
    """The configuration of a preset's name or a file, with settings over it.

    Raises:
        UsageError: there is no such preset or file, or a setting is wrong.
    """
    layers: list[Layer] = []
    if name in PRESETS:
        layers = [preset_layer(name)]
    elif name.endswith(".toml") or "/" in name:
        layers = [file_layer(user_path(name))]
    elif name:
        raise UsageError(f"there is no preset {name!r}{nearest(name, PRESETS)}; a file of settings ends with .toml")
    return resolve_over(layers, settings).config


def parse_toggle(word: str, base: RunConfig) -> tuple[str, Choices]:
    """A setting with its value in the base and one other: ``model.dropout``, or ``model.activation=leaky-relu``.

    Raises:
        UsageError: it is no setting, or what it is to be otherwise is not said.
    """
    name, _, text = word.partition("=")
    path = setting_path(name)
    now = to_values(base).get(path)
    if text:
        other = parse_dimension(path, text)
        values = other.values if isinstance(other, Choices) else ()
        if len(values) != 1 or values[0] == now:
            raise UsageError(
                f"--toggle {word}: name one value that is not the base's, {setting_text(FIELDS[path], now)}"
            )
        return path, Choices((now, values[0]))
    if not isinstance(now, bool):
        raise UsageError(f"{path} is not on or off; write --toggle {name}=VALUE")
    return path, Choices((now, not now))


def default_name(base: RunConfig, space: Space) -> str:
    """A name for a study of which nobody gave one: what is varied, on what."""
    words = [base.data.dataset, base.model.name, *(path.split(".")[1] for path in space)]
    text = "-".join("".join(letter if letter.isalnum() else "-" for letter in word) for word in words)
    return text.strip("-")[:80].strip("-") or "study"


def study_of_file(path: Path, name: str = "") -> Study:
    """The study of a file; a name given besides counts more than the file's.

    Raises:
        UsageError: it cannot be read, or a key or value in it is wrong.
    """
    study = from_toml(read_text(path), str(path), path.stem)
    return with_absolute_paths(replace(study, name=name) if name else study)


def check_study(study: Study) -> list[Trial]:
    """Every trial that is known beforehand, all of them checked, and the data that they need found.

    Raises:
        UsageError: one of them cannot be; says which.
        DataError: a file is missing; says which, and how to get it.
    """
    if SAMPLERS[study.sampler].proposes:
        check_space(study)
        trials = []
        configs = [study.base]
    else:
        trials = plan(study)
        configs = [trial.config for trial in trials]
    for data in {(c.data.dataset, c.data.size, c.data.data_dir): c.data for c in configs}.values():
        require_data(data.dataset, data.size, data.data_dir)
    return trials


def check_objectives(study: Study, trials: Sequence[Trial]) -> None:
    """Refuse scores that no trial can have, for their validation labels; opens the data if there may be such.

    Args:
        study: the study.
        trials: those that are known beforehand.

    Raises:
        UsageError: there is such a score; says why.
        DataError: the data cannot be read.
    """
    open_ones = {each.metric for each in study.objectives} - {"", "loss", "accuracy"}
    if not open_ones:
        return
    from xaitui.data.open import open_configured
    from xaitui.hardware.capacity import available_memory
    from xaitui.metrics.scores import require_defined

    problems = {}
    # A seed cuts as many images of each class as another: one configuration of each dataset is enough.
    for config in {str(each.data): each for each in [trial.config for trial in trials] or [study.base]}.values():
        dataset = open_configured(config, resident_limit=available_memory() // 2)
        for metric in sorted(open_ones):
            try:
                require_defined(metric, "--objective", dataset.info.task, dataset.val.labels, dataset.info.classes)
                open_ones.discard(metric)
            except UsageError as error:
                problems[metric] = error
        if not open_ones:
            return
    raise problems[min(open_ones)]


def require_data(dataset: str, size: int, data_dir: str) -> None:
    """Refuse to begin without the data.

    Raises:
        DataError: it is not here; says how to get it.
    """
    if is_own_data(dataset):
        if not user_path(dataset).exists():
            raise DataError(f"there is no {dataset}; name a file or folder that exists")
        return
    info = dataset_info(dataset)
    size = size or info.sizes[0]
    check_size(info, size)
    for remote in info.files.get(size, ()):
        require_file(remote, dataset, size, data_dir)


def sweep_words(study: Study, runs_dir: str = "") -> list[str]:
    """The words of the command that makes a study, after the program's name."""
    words = ["sweep"]
    words += [
        option_word(FIELDS[path], setting_text(FIELDS[path], value))
        for path, (value, _) in differences(study.base).items()
        if not path.startswith("run.")
    ]
    words += [f"--vary={path}={dimension_text(path, item)}" for path, item in study.space.items()]
    words += [f"--sampler={study.sampler}", f"--seeds={study.seeds}"]
    words += [f"--trials={study.trials}"] if study.trials else []
    words += [f"--objective={','.join(each.text for each in study.objectives)}"]
    words += [f"--pruner={study.pruner}"] if study.pruner != "none" else []
    words += [f"--optuna-storage={study.storage}"] if study.storage else []
    words += [f"--test={study.tested}"] if study.tested != "best" else []
    words += [f"--name={study.name}"]
    return [*words, f"--runs-dir={runs_dir}"] if runs_dir else words
