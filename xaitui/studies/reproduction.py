"""The report's experiments as studies: as the report made them, or cut to what a machine and a reader have time for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xaitui.catalog.experiments import EXPERIMENTS, Experiment, Part
from xaitui.errors import UsageError, nearest
from xaitui.studies.create import resolve_base
from xaitui.studies.definition import Study, with_absolute_paths
from xaitui.studies.space import Choices
from xaitui.text import printable

ALL = "all"


@dataclass(frozen=True)
class Cut:
    """How much less, or what else, is done than the report did."""

    fraction: float = 1.0
    """Part of the training images."""
    epochs: int = 0
    """Epochs of the base instead of the report's; 0 leaves them."""
    dataset: str = ""
    """Another dataset; empty for the report's."""


def find_experiments(name: str) -> list[Experiment]:
    """The experiment of a name, or all of them.

    Raises:
        UsageError: there is none.
    """
    if name == ALL:
        return list(EXPERIMENTS.values())
    if name not in EXPERIMENTS:
        raise UsageError(f"there is no experiment {name!r}{nearest(name, [*EXPERIMENTS, ALL])}")
    return [EXPERIMENTS[name]]


def study_of(experiment: Experiment, part: Part, cut: Cut, seeds: int, settings: Mapping[str, Any]) -> Study:
    """The study that makes one part of an experiment.

    Args:
        settings: where and how it runs besides, by dotted path: data folder, device, threads.

    Raises:
        UsageError: the cut is none.
    """
    changes: dict[str, Any] = {"data.fraction": cut.fraction}
    space = {path: Choices(values) for path, values in part.space.items()}
    if cut.epochs:
        changes["training.epochs"] = cut.epochs
        if "training.epochs" in space:
            space["training.epochs"] = Choices(tuple(dict.fromkeys(scaled_epochs(part, cut))))
    if cut.dataset:
        changes["data.dataset"] = cut.dataset
    base = resolve_base(part.preset, {**part.settings, **changes, **settings})
    name = "-".join(filter(None, [f"report-{experiment.name}{part.suffix}", _slug(cut)]))
    return with_absolute_paths(
        Study(
            name=name,
            base=base,
            space=space,
            sampler=part.sampler,
            seeds=seeds,
            tested="all",
            note=experiment.title,
            tags=(f"report:{experiment.name}",),
        )
    )


def scaled_epochs(part: Part, cut: Cut) -> tuple[int, ...]:
    """The epochs for each number that a part tries, in the proportion in which its base was cut; some may coincide."""
    whole = resolve_base(part.preset, part.settings).training.epochs
    return tuple(max(1, round(value * cut.epochs / whole)) for value in part.space["training.epochs"])


def _slug(cut: Cut) -> str:
    dataset = "".join(letter if letter.isalnum() else "-" for letter in cut.dataset.rpartition("/")[2])
    words = [
        dataset.strip("-")[:40],
        f"f{cut.fraction:g}" if cut.fraction < 1 else "",
        f"e{cut.epochs}" if cut.epochs else "",
    ]
    return "-".join(filter(None, words))


def cut_words(experiment: Experiment, cut: Cut) -> str:
    """What a reader must know of a cut, in one line; empty where nothing was cut."""
    whole = resolve_base(experiment.parts[0].preset, experiment.parts[0].settings)
    words = []
    if cut.fraction < 1:
        words.append(f"{cut.fraction * 100:g} % of the training images")
    if cut.epochs and cut.epochs != whole.training.epochs:
        words.append(f"{cut.epochs} epochs instead of {whole.training.epochs}")
    if cut.dataset and cut.dataset != whole.data.dataset:
        words.append(f"{printable(cut.dataset.rpartition('/')[2])} instead of {whole.data.dataset}")
    return "A CUT: " + ", ".join(words) if words else ""
