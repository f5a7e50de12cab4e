"""Scores of maps, batch by batch."""

from __future__ import annotations

from numpy import float32, float64
from numpy.typing import NDArray

from xaitui.catalog.records import Task
from xaitui.explain.trust.judged_images import Explain, Subjects
from xaitui.explain.trust.verdict import score_maps
from xaitui.jobs.explain.image_batch import ImageBatch
from xaitui.jobs.explain.memory import BatchMemory
from xaitui.jobs.predict.trained_model import TrainedModel

SENSITIVITY_SAMPLES = 100
"""Largest request whose maps get a sensitivity, for which each is made eleven times."""


class Scorer:
    """Scores the maps of a model, within its memory."""

    def __init__(self, model: TrainedModel, memory: BatchMemory) -> None:
        self._model, self._memory = model, memory

    def subjects(self, batch: ImageBatch, seed: int) -> Subjects:
        """The images of a batch and their target classes, to judge maps on."""
        several = self._model.preprocessing.task is Task.MULTI_LABEL
        indices = batch.indices.tolist()
        return Subjects(self._model.module, batch.inputs, batch.targets, indices, seed, self._memory.batch, several)

    def score(
        self, batch: ImageBatch, maps: NDArray[float32], seed: int, method: Explain | None
    ) -> dict[str, NDArray[float64]]:
        """Score maps, (N, H, W); sensitivity is left out without a method."""
        return dict(self._memory.within(lambda: score_maps(self.subjects(batch, seed), maps, method)))
