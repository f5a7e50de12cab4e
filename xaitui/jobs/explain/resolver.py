"""Resolution of requests: the recipe and the class that a user's words mean for a model."""

from __future__ import annotations

import torch
from torch import Tensor

from xaitui.catalog.attributions import DEFAULT_BASELINE, attribution_info
from xaitui.catalog.records import Task
from xaitui.errors import UsageError
from xaitui.explain.methods.compatibility import check_method
from xaitui.explain.methods.layers import LayerInfo, choose_layer, layers_of
from xaitui.explain.methods.recipe import Recipe
from xaitui.explain.sample_choice import class_index
from xaitui.jobs.predict.trained_model import TrainedModel
from xaitui.text import printable


class Resolver:
    """Resolves layers, recipes and target classes for one model."""

    def __init__(self, model: TrainedModel) -> None:
        self._model = model

    def blank(self) -> Tensor:
        """One prepared black image, (1, C, H, W), on the model's device."""
        known = self._model.preprocessing
        blank = torch.zeros(1, known.channels, known.source_size, known.source_size, dtype=torch.uint8)
        prepared: Tensor = self._model.prepare(blank.to(self._model.device))
        return prepared

    def layers(self) -> list[LayerInfo]:
        """The layers that Grad-CAM can use, in forward order."""
        return layers_of(self._model.module, self.blank())

    def layer_size(self, layer: str) -> str:
        """Height and width of a layer's output, such as 7x7; empty without a layer."""
        if not layer:
            return ""
        found = choose_layer(self._model.module, self.blank(), layer)
        return f"{found.height}x{found.width}"

    def recipe(
        self, method: str, *, layer: str = "", baseline: str = DEFAULT_BASELINE, steps: int = 50, seed: int = 0
    ) -> Recipe:
        """Build the recipe of a method; options that the method does not use are set to their defaults.

        Raises:
            UsageError: there is no such method or layer, or the method cannot explain this model.
        """
        info = attribution_info(method)
        check_method(self._model.module, info, self.blank())
        place = choose_layer(self._model.module, self.blank(), layer).path if info.layer else ""
        return Recipe(
            method, place, baseline if info.baseline else DEFAULT_BASELINE, steps if info.steps else Recipe.steps, seed
        )

    def target(self, word: str) -> str | int:
        """Resolve a user's word for the class to explain.

        Raises:
            UsageError: there is no such class, or an image may have several and none is named.
        """
        known = self._model.preprocessing
        if word not in ("true", "predicted") or word in known.classes:
            return class_index(word, known.classes)
        if known.task is Task.MULTI_LABEL:
            names = ", ".join(map(printable, known.classes))
            raise UsageError(f"an image may have several labels here: name the one to explain, --target CLASS: {names}")
        return word
