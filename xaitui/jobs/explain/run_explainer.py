"""Explanation of a run: its model, its images and a method; the maps are stored in the run."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xaitui.data.dataset import Split
from xaitui.explain.methods.compatibility import gives_probabilities
from xaitui.explain.methods.methods import Explainer
from xaitui.explain.methods.recipe import Recipe
from xaitui.explain.trust.degenerate import problems_of
from xaitui.explain.trust.judged_images import Subjects
from xaitui.jobs.explain.image_batch import ImageBatch, samples_of
from xaitui.jobs.explain.memory import FULL_BATCH, BatchMemory
from xaitui.jobs.explain.resolver import Resolver
from xaitui.jobs.explain.scores import SENSITIVITY_SAMPLES, Scorer
from xaitui.jobs.explain.store import MapStore, Wanted, set_settings
from xaitui.jobs.predict.trained_model import TrainedModel
from xaitui.jobs.prepare import Say
from xaitui.runs.explanations.maps import ExplanationSet, Sample, read_explanations, set_folder
from xaitui.runs.explanations.writer import explaining
from xaitui.training.evaluate import probabilities

Progress = Callable[[int, int], None]


def no_progress(done: int, total: int) -> None:
    """Ignore progress."""


class RunExplainer:
    """Explains a trained model by any number of methods, on any number of images."""

    def __init__(self, model: TrainedModel, say: Say = lambda text: None) -> None:
        self.model = model
        self._say = say
        self.memory = BatchMemory(model.device, model.preprocessing.image_size)
        self.resolver = Resolver(model)
        self._scorer = Scorer(model, self.memory)
        self._splits: dict[str, Split] = {}
        if gives_probabilities(self._output(self.resolver.blank())):
            say("this model gives probabilities where logits are expected: they are what is explained")

    def split(self, name: str) -> Split:
        """Open a split, once.

        Raises:
            UsageError: there is no such split.
            DataError: its files cannot be used.
        """
        if name not in self._splits:
            self._splits[name] = self.model.split(name, self._say)
        return self._splits[name]

    def explainer(self, recipe: Recipe) -> Explainer:
        """The method on the model."""
        prepare = self.model.prepare
        black = -prepare.mean / prepare.std
        return Explainer(self.model.module, recipe, black, self.memory.batch)

    def explain(self, recipe: Recipe, wanted: Wanted, progress: Progress = no_progress) -> ExplanationSet:
        """Explain images batch by batch and store the maps in the run; stored maps are not made again.

        Raises:
            UsageError: another process explains this run.
            DataError: the data cannot be used, or the disk is full.
            OutOfMemoryError: not even one image fits.
        """
        run, split = self.model.run, self.split(wanted.split)
        indices = np.asarray(wanted.indices, np.int64)
        folder = set_folder(run, wanted.split, recipe.method, recipe.layer)
        with explaining(run):
            store = MapStore(folder, self.settings(recipe, wanted))
            if store.replaced:
                self._say(f"{folder.name}: what was made with other settings or weights is replaced")
            sensitive = store.scored and len(indices) <= SENSITIVITY_SAMPLES
            for start in range(0, len(indices), FULL_BATCH):
                fresh = store.missing(self._open(split, indices[start : start + FULL_BATCH], wanted.target))
                if fresh.samples:
                    store.add(*self._explain(recipe, fresh, scored=store.scored, sensitive=sensitive))
                progress(min(start + FULL_BATCH, len(indices)), len(indices))
        return read_explanations(folder)

    def settings(self, recipe: Recipe, wanted: Wanted) -> dict[str, Any]:
        """The settings by which the maps of a set are made."""
        return set_settings(self.model, recipe, wanted, self.resolver.layer_size(recipe.layer))

    def subjects(self, split: str, indices: NDArray[np.int64], seed: int) -> Subjects:
        """Images and their predicted classes, to judge a method on."""
        return self._scorer.subjects(self._open(self.split(split), indices, "predicted"), seed)

    @torch.no_grad()
    def _output(self, inputs: Tensor) -> Tensor:
        output: Tensor = self.model.module(inputs)
        return output.float()

    def _open(self, split: Split, indices: NDArray[np.int64], target: str | int) -> ImageBatch:
        """Read and prepare images, and find the target class of each from the predictions."""
        pixels = torch.from_numpy(np.ascontiguousarray(split.read(indices))).permute(0, 3, 1, 2)
        inputs = self.model.prepare(pixels.to(self.model.device))
        logits = self.memory.within(
            lambda: torch.cat([self._output(part) for part in torch.split(inputs, self.memory.batch)])
        )
        task = self.model.preprocessing.task
        samples = samples_of(task, probabilities(logits, task).cpu().numpy(), split.labels[indices], indices, target)
        targets = torch.tensor([sample.target for sample in samples], dtype=torch.int64, device=inputs.device)
        return ImageBatch(indices, inputs, targets, samples)

    def _explain(
        self, recipe: Recipe, batch: ImageBatch, *, scored: bool, sensitive: bool
    ) -> tuple[list[Sample], NDArray[np.float32]]:
        found = self.memory.within(lambda: self.explainer(recipe).explain(batch.inputs, batch.targets))
        maps = found.values.cpu().numpy()
        columns = {name: values.cpu().numpy() for name, values in found.facts.items()}
        if scored:
            quick = replace(self.explainer(recipe), exact=False)
            columns |= self._scorer.score(batch, maps, recipe.seed, quick if sensitive else None)
        samples = [
            replace(
                sample,
                problem=problem,
                scores={name: float(v[row]) for name, v in columns.items() if math.isfinite(v[row])},
            )
            for row, (sample, problem) in enumerate(zip(batch.samples, problems_of(maps), strict=True))
        ]
        return samples, maps
