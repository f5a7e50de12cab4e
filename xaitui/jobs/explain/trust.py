"""Trust in a method on a run, computed once for each, on images that are drawn at random."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xaitui.explain.methods.recipe import Recipe
from xaitui.explain.trust.judged_images import Subjects
from xaitui.explain.trust.randomisation import RANDOMISED_IMAGES, randomise
from xaitui.explain.trust.robustness import sensitivity
from xaitui.explain.trust.verdict import JUDGED_IMAGES, Scores, judge, score_floors, score_maps
from xaitui.jobs.explain.run_explainer import RunExplainer
from xaitui.jobs.explain.store import Wanted
from xaitui.jobs.prepare import Say
from xaitui.models.summary import summarize
from xaitui.runs.explanations.maps import ExplanationSet, read_explanations, set_folder
from xaitui.runs.explanations.writer import begin_set, explaining, write_settings
from xaitui.seeds import derive_seed
from xaitui.system.atomic_files import replacing
from xaitui.system.damaged_files import FILE_DAMAGE

FEWEST, BUDGET = 10, 5 * 10**9
"""Images that a method is judged on at least, and the multiply-adds of one pass of all of them: a ResNet-18 at 28 px is
judged on 10 in a minute or two of two cores, a SimpleCNN on 100 in seconds."""
ON_A_GPU = 50
"""How many times as much a GPU does in that time."""
SENSITIVE = 8
"""Of the judged images, those on which sensitivity is told: each is explained eleven times for it."""


def judge_method(explainer: RunExplainer, split: str, recipe: Recipe, say: Say) -> ExplanationSet:
    """Hold a method against its floors and against random weights, and keep the verdict with its maps.

    What was found before for the same weights and settings stays.

    Raises:
        UsageError: another process explains this run.
        DataError: the data cannot be used, or the disk is full.
        OutOfMemoryError: not even one image fits.
    """
    run = explainer.model.run
    folder = set_folder(run, split, recipe.method, recipe.layer)
    with explaining(run):
        found, _ = begin_set(folder, explainer.settings(recipe, Wanted(split, ())))
        if found.settings.get("trust"):
            return found
        count = judged_images(explainer, len(explainer.split(split)))
        say(f"judging {recipe.method} on {count} images of {split}")
        draw = np.random.default_rng(derive_seed(recipe.seed, "judged"))
        indices = np.sort(draw.permutation(len(explainer.split(split)))[:count])
        subjects = explainer.subjects(split, indices, recipe.seed)
        floors = explainer.memory.within(
            lambda: _floors(
                run.explanations / f"floors-{split}.npz", explainer, replace(subjects, batch=explainer.memory.batch)
            )
        )
        trust = explainer.memory.within(lambda: _verdict(explainer, recipe, subjects, floors))
        write_settings(folder, {**found.settings, "trust": trust})
    return read_explanations(folder)


def judged_images(explainer: RunExplainer, there: int) -> int:
    """How many images a method is judged on."""
    known = explainer.model.preprocessing
    one = summarize(explainer.model.module, known.channels, known.image_size).multiply_adds
    budget = BUDGET * (ON_A_GPU if explainer.model.device.type == "cuda" else 1)
    return min(there, JUDGED_IMAGES, max(FEWEST, budget // max(one, 1)))


def _verdict(
    explainer: RunExplainer, recipe: Recipe, subjects: Subjects, floors: Mapping[str, Scores]
) -> dict[str, object]:
    subjects = replace(subjects, batch=explainer.memory.batch)
    method = explainer.explainer(recipe)
    quick = replace(method, exact=False)
    maps = method(subjects.inputs, subjects.targets).cpu().numpy()
    few = subjects.only(range(min(SENSITIVE, len(subjects))))
    told = np.full(len(subjects), math.nan)
    told[: len(few)] = sensitivity(few, quick)
    verdict = judge({**score_maps(subjects, maps), "sensitivity": told}, floors)
    shaken = subjects.only(range(min(RANDOMISED_IMAGES, max(2, len(subjects) // 5))))
    return verdict.record(randomise(explainer.model.module, quick.on, shaken))


def _floors(path: Path, explainer: RunExplainer, subjects: Subjects) -> Mapping[str, Scores]:
    """The scores of the floors on the judged images: the same for every method, so they are kept."""
    made_of = json.dumps([explainer.model.sha256, subjects.seed, list(subjects.indices)])
    if kept := _kept_floors(path, made_of):
        return kept
    fresh = score_floors(subjects)
    arrays = {f"{floor}.{name}": values for floor, scores in fresh.items() for name, values in scores.items()}
    with replacing(path) as file:
        np.savez(file, made_of=np.array(made_of), **arrays)  # type: ignore[arg-type]  # none is called allow_pickle
    return fresh


def _kept_floors(path: Path, made_of: str) -> Mapping[str, Scores]:
    """The scores that were kept of the same weights and images; empty where there are none."""
    found: dict[str, dict[str, NDArray[np.float64]]] = {}
    try:
        with np.load(path, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files}
    except FILE_DAMAGE:
        return found
    if str(arrays.pop("made_of", "")) == made_of:
        for name, values in arrays.items():
            floor, _, score = name.partition(".")
            found.setdefault(floor, {})[score] = values
    return found
