"""Storage of maps in the run: the settings of a set, and the maps that it lacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from xaitui.explain.methods.recipe import Recipe
from xaitui.jobs.explain.image_batch import ImageBatch
from xaitui.jobs.predict.trained_model import TrainedModel
from xaitui.runs.explanations.maps import Sample
from xaitui.runs.explanations.writer import append, begin_set
from xaitui.version import __version__


@dataclass(frozen=True)
class Wanted:
    """Images to explain, and the class to explain."""

    split: str
    indices: Sequence[int]
    target: str | int = "predicted"
    """"true", "predicted", or a class by its index."""
    scored: bool = True


class MapStore:
    """A set of maps that grows batch by batch; earlier maps of the same settings stay."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self.folder = folder
        found, self.replaced = begin_set(folder, settings)
        self.scored = bool(settings["scored"] or found.settings.get("scored"))
        self._known = {(sample.index, sample.target) for sample in found.samples}
        self._count = len(self._known)

    def missing(self, batch: ImageBatch) -> ImageBatch:
        """The images of a batch that had no map when the set was opened."""
        return batch.only(
            [row for row, sample in enumerate(batch.samples) if (sample.index, sample.target) not in self._known]
        )

    def add(self, samples: Sequence[Sample], maps: NDArray[np.float32]) -> None:
        """Append maps, (N, H, W)."""
        append(self.folder, self._count, samples, maps)
        self._count += len(samples)


def set_settings(model: TrainedModel, recipe: Recipe, wanted: Wanted, layer_size: str) -> dict[str, Any]:
    """The settings by which the maps of a set are made."""
    side = model.preprocessing.image_size
    info = recipe.info
    return {
        "version": 1,
        "split": wanted.split,
        "method": recipe.method,
        "layer": recipe.layer,
        "layer_size": layer_size,
        "upsampling": "bilinear" if info.layer else "",
        "baseline": recipe.baseline if info.baseline else "",
        "steps": recipe.steps if info.steps else 0,
        "seed": recipe.seed,
        "explained": "logit of the target",
        "side": side,
        "weights": model.weights,
        "weights_sha256": model.sha256,
        "scored": wanted.scored,
        "versions": {"xaitui": __version__, "torch": torch.__version__, "captum": version("captum")},
    }
