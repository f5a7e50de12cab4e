"""The work of explaining a run: passes of single images through its model that are done, and about how many will be."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from torch import Tensor, nn

from xaitui.explain.methods.methods import passes_of
from xaitui.explain.methods.recipe import Recipe
from xaitui.explain.trust.randomisation import RANDOMISED_IMAGES, STAGES
from xaitui.explain.trust.reference_maps import FLOORS
from xaitui.explain.trust.verdict import passes_of_scores
from xaitui.jobs.explain.run_explainer import Progress, RunExplainer
from xaitui.jobs.explain.scores import SENSITIVITY_SAMPLES
from xaitui.jobs.explain.trust import SENSITIVE, judged_images


class Passes:
    """Counts passes method by method; what a method takes is estimated until it is done."""

    def __init__(
        self,
        explainer: RunExplainer,
        split: str,
        images: int,
        *,
        scored: bool,
        recipes: Sequence[Recipe],
        progress: Progress,
    ) -> None:
        """Estimate the work of explaining so many images of a split by each recipe; `progress` is told of it."""
        self._module = explainer.model.module
        self._progress = progress
        judged = judged_images(explainer, len(explainer.split(split))) if scored else 0
        side = explainer.model.preprocessing.image_size
        self._expected = [_expected(recipe, side, images, judged) for recipe in recipes]
        if recipes:
            self._expected[0] += judged * len(FLOORS) * passes_of_scores(side, 0)
        self._done, self._before = 0, 0

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        """Count the passes of the next method for the length of the block, and what it took instead of the estimate."""

        def count(module: nn.Module, inputs: tuple[object, ...]) -> None:
            self._done += len(inputs[0]) if inputs and isinstance(inputs[0], Tensor) else 1
            self._tell()

        handle = self._module.register_forward_pre_hook(count)
        try:
            yield
        finally:
            handle.remove()
        self._expected.pop(0)
        self._before = self._done
        self._tell()

    def _tell(self) -> None:
        self._progress(self._done, max(self._done, self._before + sum(self._expected)))


def _expected(recipe: Recipe, side: int, images: int, judged: int) -> int:
    """About the passes of one method; of `judged` images none means that maps are not scored."""
    one_map = passes_of(recipe, side)
    if not judged:
        return images * one_map
    scores = passes_of_scores(side, one_map if images <= SENSITIVITY_SAMPLES else 0)
    sensitive, shaken = min(SENSITIVE, judged), min(RANDOMISED_IMAGES, max(2, judged // 5))
    return (
        images * (one_map + scores)
        + judged * (one_map + passes_of_scores(side, 0))
        + sensitive * (passes_of_scores(side, one_map) - passes_of_scores(side, 0))
        + shaken * (STAGES + 1) * one_map
    )
