"""Requests to explain a run, as a user writes them; the explanations are stored in the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xaitui.errors import DataError, UsageError
from xaitui.explain.methods.recipe import Recipe
from xaitui.explain.sample_choice import Answers, choose, parse_choice
from xaitui.jobs.explain.batches import Passes
from xaitui.jobs.explain.pictures import draw_pictures
from xaitui.jobs.explain.run_explainer import Progress, RunExplainer, no_progress
from xaitui.jobs.explain.store import Wanted
from xaitui.jobs.explain.trust import judge_method
from xaitui.jobs.failures import failure_of
from xaitui.jobs.predict.splits import HowToPredict, evaluate_split
from xaitui.jobs.prepare import Say
from xaitui.runs.directory import RunDirectory
from xaitui.runs.explanations.maps import Explained, ExplanationSet
from xaitui.runs.predictions import read_predictions


@dataclass(frozen=True)
class ExplainRequest:
    """What `xaitui explain` is asked for."""

    methods: tuple[str, ...]
    samples: str
    split: str
    target: str
    layer: str
    baseline: str
    steps: int
    seed: int
    absolute: bool
    scored: bool
    skipping: bool
    """Whether a method that cannot explain the model is left out instead of being an error."""


def carry_out(
    run: RunDirectory, request: ExplainRequest, say: Say, how: HowToPredict, progress: Progress = no_progress
) -> Iterator[Explained]:
    """Explain with each method in turn; every one is kept before the next begins.

    Args:
        run: whose model is explained.
        request: by which methods, and of which images.
        say: told what is going on.
        how: the model is loaded.
        progress: told the passes through the model that are done, and about how many there will be.

    Raises:
        UsageError: there is no such split, class, layer or image, or a method cannot explain the model.
        DataError: the run has no checkpoint, or the data cannot be used.
        OutOfMemoryError: not even one image fits.
    """
    choice = parse_choice(request.samples)
    explainer = RunExplainer(how.load(run, say), say)
    target = explainer.resolver.target(request.target)
    recipes = list(_recipes(explainer, request, say))
    split = explainer.split(request.split)
    classes = explainer.model.preprocessing.classes
    answers = _answers(explainer, request.split, say, how) if choice.needs_predictions else None
    indices = choose(choice, split.labels, classes, answers, request.seed)
    wanted = Wanted(request.split, indices.tolist(), target, request.scored)
    passes = Passes(explainer, request.split, len(indices), scored=request.scored, recipes=recipes, progress=progress)
    for recipe in recipes:
        try:
            with passes.counted():
                found = _explain(explainer, recipe, wanted, request, say)
            yield found
        except (OSError, RuntimeError, MemoryError) as error:
            raise failure_of(error, run.path) from error


def _recipes(explainer: RunExplainer, request: ExplainRequest, say: Say) -> Iterator[Recipe]:
    for method in request.methods:
        try:
            yield explainer.resolver.recipe(
                method, layer=request.layer, baseline=request.baseline, steps=request.steps, seed=request.seed
            )
        except UsageError as error:
            if not request.skipping:
                raise
            say(f"left out: {error}")


def _explain(explainer: RunExplainer, recipe: Recipe, wanted: Wanted, request: ExplainRequest, say: Say) -> Explained:
    found = explainer.explain(recipe, wanted)
    if request.scored:
        found = judge_method(explainer, request.split, recipe, say)
    rows = _rows(explainer, found, wanted)
    draw_pictures(explainer, found, rows, absolute=request.absolute)
    return Explained(found, tuple(rows), explainer.model.preprocessing.classes)


def _rows(explainer: RunExplainer, found: ExplanationSet, wanted: Wanted) -> Sequence[int]:
    """The rows that were asked for; for a class that the model or the image decides, those of it."""
    asked = {int(index): place for place, index in enumerate(wanted.indices)}
    rows = [
        row
        for row, sample in enumerate(found.samples)
        if sample.index in asked
        and sample.target
        == {"true": sample.label, "predicted": sample.predicted}.get(str(wanted.target), wanted.target)
    ]
    return sorted(rows, key=lambda row: asked[found.samples[row].index])


def _answers(explainer: RunExplainer, split: str, say: Say, how: HowToPredict) -> Answers:
    """What the run said of a split: what is stored, or what its weights say now."""
    run = explainer.model.run
    path = run.predictions / f"{split}.npz"
    try:
        stored = read_predictions(path)
    except DataError:
        evaluate_split(run, split, say, how)
        stored = read_predictions(path)
    labels: NDArray[np.int64] = explainer.split(split).labels
    if len(labels) != len(stored.labels):
        raise DataError(
            f"the {split} predictions of {run.id} are of {len(stored.labels):,} images, its data has "
            f"{len(labels):,}; evaluate it again"
        )
    return Answers(explainer.model.preprocessing.task, stored.probabilities, labels)
