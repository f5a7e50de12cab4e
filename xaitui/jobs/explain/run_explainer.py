"""Explaining a run: its model, its images and a method come together here, and what is found is kept with the run."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xaitui.catalog.attributions import DEFAULT_BASELINE, attribution_info
from xaitui.catalog.records import Task
from xaitui.data.dataset import Split
from xaitui.errors import OutOfMemoryError, UsageError
from xaitui.explain.methods.compatibility import check_method, gives_probabilities
from xaitui.explain.methods.layers import LayerInfo, choose_layer, layers_of
from xaitui.explain.methods.methods import Explainer
from xaitui.explain.methods.recipe import Recipe
from xaitui.explain.sample_choice import class_index
from xaitui.explain.trust.degenerate import problems_of
from xaitui.explain.trust.judged_images import Subjects
from xaitui.explain.trust.verdict import score_maps
from xaitui.jobs.predict.trained_model import TrainedModel
from xaitui.jobs.prepare import Say
from xaitui.metrics.per_sample import losses
from xaitui.metrics.scores import decide
from xaitui.runs.explanations.maps import SEVERAL_LABELS, ExplanationSet, Sample, read_explanations, set_folder
from xaitui.runs.explanations.writer import append, begin_set, explaining
from xaitui.text import printable
from xaitui.training.evaluate import probabilities
from xaitui.training.memory import MEMORY_ADVICE, MEMORY_ERRORS, free, is_out_of_memory
from xaitui.version import __version__

FULL_BATCH, FULL_SIDE = 64, 64
"""Images that go through a model at once, copies included, and the side in pixels up to which so many do."""
ON_A_GPU = 8
"""How many times as many a GPU takes."""
SENSITIVITY_SAMPLES = 100
"""Largest request whose maps get a sensitivity, for which each is made eleven times."""
Progress = Callable[[int, int], None]
T = TypeVar("T")


def no_progress(done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Wanted:
    """Which images are explained, and for which class."""

    split: str
    indices: Sequence[int]
    target: str | int = "predicted"
    """"true", "predicted", or a class by its index."""
    scored: bool = True


@dataclass(frozen=True)
class _Batch:
    """Some images on their way through the model."""

    indices: NDArray[np.int64]
    inputs: Tensor
    targets: Tensor
    samples: tuple[Sample, ...]

    def only(self, rows: Sequence[int]) -> _Batch:
        chosen = torch.tensor(rows, dtype=torch.int64, device=self.inputs.device)
        samples = tuple(self.samples[row] for row in rows)
        return _Batch(self.indices[list(rows)], self.inputs[chosen], self.targets[chosen], samples)


class RunExplainer:
    """Explains a trained model; one is enough for any number of methods and images."""

    def __init__(self, model: TrainedModel, say: Say = lambda text: None) -> None:
        self.model = model
        self._say = say
        side = model.preprocessing.image_size
        fitting = max(1, min(FULL_BATCH, FULL_BATCH * FULL_SIDE**2 // side**2))
        self.batch = fitting * (ON_A_GPU if model.device.type == "cuda" else 1)
        """Images that go through the model at once; they become fewer where memory runs out."""
        self._splits: dict[str, Split] = {}
        if gives_probabilities(self._ask(self._blank())):
            say("this model gives probabilities where logits are expected: they are what is explained")

    def split(self, name: str) -> Split:
        """The images of a split, opened once.

        Raises:
            UsageError: there is no such split.
            DataError: its files cannot be used.
        """
        if name not in self._splits:
            self._splits[name] = self.model.split(name, self._say)
        return self._splits[name]

    def layers(self) -> list[LayerInfo]:
        """The layers that Grad-CAM can look at, in the order in which an image passes them."""
        return layers_of(self.model.module, self._blank())

    def recipe(
        self, method: str, *, layer: str = "", baseline: str = DEFAULT_BASELINE, steps: int = 50, seed: int = 0
    ) -> Recipe:
        """What a method needs, of which what does not concern it is left out.

        Raises:
            UsageError: there is no such method or layer, or the method cannot explain this model.
        """
        info = attribution_info(method)
        check_method(self.model.module, info, self._blank())
        place = choose_layer(self.model.module, self._blank(), layer).path if info.layer else ""
        return Recipe(
            method, place, baseline if info.baseline else DEFAULT_BASELINE, steps if info.steps else Recipe.steps, seed
        )

    def explainer(self, recipe: Recipe) -> Explainer:
        """The method on the model."""
        prepare = self.model.prepare
        black = -prepare.mean / prepare.std
        return Explainer(self.model.module, recipe, black, self.batch)

    def target(self, word: str) -> str | int:
        """What a user's word for the class to explain means.

        Raises:
            UsageError: there is no such class, or an image may have several and none is named.
        """
        known = self.model.preprocessing
        if word not in ("true", "predicted") or word in known.classes:
            return class_index(word, known.classes)
        if known.task is Task.MULTI_LABEL:
            names = ", ".join(map(printable, known.classes))
            raise UsageError(f"an image may have several labels here: name the one to explain, --target CLASS: {names}")
        return word

    def explain(self, recipe: Recipe, wanted: Wanted, progress: Progress = no_progress) -> ExplanationSet:
        """Explain images, batch by batch, and keep the maps with the run; those that are there already stay.

        Raises:
            UsageError: another process explains this run.
            DataError: the data cannot be used, or the disk is full.
            OutOfMemoryError: not even one image fits.
        """
        run, split = self.model.run, self.split(wanted.split)
        folder = set_folder(run, wanted.split, recipe.method, recipe.layer)
        indices = np.asarray(wanted.indices, np.int64)
        with explaining(run):
            found, replaced = begin_set(folder, self.settings(recipe, wanted))
            if replaced:
                self._say(f"{folder.name}: what was made with other settings or weights is replaced")
            scored = wanted.scored or bool(found.settings.get("scored"))
            known = {(sample.index, sample.target) for sample in found.samples}
            before = len(known)
            for start in range(0, len(indices), FULL_BATCH):
                batch = self._open(split, indices[start : start + FULL_BATCH], wanted.target)
                fresh = batch.only(
                    [row for row, sample in enumerate(batch.samples) if (sample.index, sample.target) not in known]
                )
                if len(fresh.samples):
                    sensitive = scored and len(indices) <= SENSITIVITY_SAMPLES
                    samples, maps = self._explain(recipe, fresh, scored=scored, sensitive=sensitive)
                    append(folder, before, samples, maps)
                    before += len(samples)
                progress(min(start + FULL_BATCH, len(indices)), len(indices))
        return read_explanations(folder)

    def settings(self, recipe: Recipe, wanted: Wanted) -> dict[str, Any]:
        """How the maps of a set are made."""
        side = self.model.preprocessing.image_size
        info = recipe.info
        return {
            "version": 1,
            "split": wanted.split,
            "method": recipe.method,
            "layer": recipe.layer,
            "layer_size": self._layer_size(recipe),
            "upsampling": "bilinear" if info.layer else "",
            "baseline": recipe.baseline if info.baseline else "",
            "steps": recipe.steps if info.steps else 0,
            "seed": recipe.seed,
            "explained": "logit of the target",
            "side": side,
            "weights": self.model.weights,
            "weights_sha256": self.model.sha256,
            "scored": wanted.scored,
            "versions": {"xaitui": __version__, "torch": torch.__version__, "captum": version("captum")},
        }

    def subjects(self, split: str, indices: NDArray[np.int64], seed: int) -> Subjects:
        """Images and the classes that the model sees in them, for a method to be judged on."""
        found = self._open(self.split(split), indices, "predicted")
        return self._subjects(found, seed)

    def within_memory(self, compute: Callable[[], T]) -> T:
        """Compute, again with half as many images at once where memory runs out.

        Raises:
            OutOfMemoryError: not even one fits.
        """
        while True:
            try:
                return compute()
            except MEMORY_ERRORS as error:
                if not is_out_of_memory(error):
                    raise
            free(self.model.device)  # outside of the `except`: the error's traceback holds what did not fit
            if self.batch == 1:
                raise OutOfMemoryError(f"{MEMORY_ADVICE}; not a single image can be explained")
            self.batch //= 2

    def _blank(self) -> Tensor:
        known = self.model.preprocessing
        blank = torch.zeros(1, known.channels, known.source_size, known.source_size, dtype=torch.uint8)
        prepared: Tensor = self.model.prepare(blank.to(self.model.device))
        return prepared

    @torch.no_grad()
    def _ask(self, inputs: Tensor) -> Tensor:
        output: Tensor = self.model.module(inputs)
        return output.float()

    def _layer_size(self, recipe: Recipe) -> str:
        if not recipe.layer:
            return ""
        layer = choose_layer(self.model.module, self._blank(), recipe.layer)
        return f"{layer.height}x{layer.width}"

    def _open(self, split: Split, indices: NDArray[np.int64], target: str | int) -> _Batch:
        """Read images, ask the model about them, and say which class of each is to be explained."""
        pixels = torch.from_numpy(np.ascontiguousarray(split.read(indices))).permute(0, 3, 1, 2)
        inputs = self.model.prepare(pixels.to(self.model.device))
        logits = self.within_memory(lambda: torch.cat([self._ask(part) for part in torch.split(inputs, self.batch)]))
        task = self.model.preprocessing.task
        samples = _samples(task, probabilities(logits, task).cpu().numpy(), split.labels[indices], indices, target)
        targets = torch.tensor([sample.target for sample in samples], dtype=torch.int64, device=inputs.device)
        return _Batch(indices, inputs, targets, samples)

    def _subjects(self, batch: _Batch, seed: int) -> Subjects:
        several = self.model.preprocessing.task is Task.MULTI_LABEL
        return Subjects(
            self.model.module, batch.inputs, batch.targets, batch.indices.tolist(), seed, self.batch, several
        )

    def _explain(
        self, recipe: Recipe, batch: _Batch, *, scored: bool, sensitive: bool
    ) -> tuple[list[Sample], NDArray[np.float32]]:
        found = self.within_memory(lambda: self.explainer(recipe).explain(batch.inputs, batch.targets))
        maps = found.values.cpu().numpy()
        columns = {name: values.cpu().numpy() for name, values in found.facts.items()}
        if scored:
            quick = replace(self.explainer(recipe), exact=False)
            columns |= self.within_memory(
                lambda: score_maps(self._subjects(batch, recipe.seed), maps, quick if sensitive else None)
            )
        samples = [
            replace(
                sample,
                problem=problem,
                scores={name: float(v[row]) for name, v in columns.items() if math.isfinite(v[row])},
            )
            for row, (sample, problem) in enumerate(zip(batch.samples, problems_of(maps), strict=True))
        ]
        return samples, maps


def _samples(
    task: Task,
    given: NDArray[np.float32],
    labels: NDArray[np.int64],
    indices: NDArray[np.int64],
    target: str | int,
) -> tuple[Sample, ...]:
    """What the model says of images, and the class of each that is to be explained."""
    several = task is Task.MULTI_LABEL
    predicted = given.argmax(axis=1) if several else decide(task, given)
    costs = losses(task, given, labels)
    found = []
    for row, index in enumerate(indices.tolist()):
        label = SEVERAL_LABELS if several else int(labels[row])
        seen = int(predicted[row])
        chosen = {"true": label, "predicted": seen}.get(target, seen) if isinstance(target, str) else target
        p_label = math.nan if several else float(given[row, label])
        found.append(
            Sample(
                index,
                label,
                seen,
                chosen,
                p_label,
                float(given[row, seen]),
                float(given[row, chosen]),
                float(costs[row]),
            )
        )
    return tuple(found)
