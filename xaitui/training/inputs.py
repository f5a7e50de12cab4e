"""Inputs of a training step from stored images: augmented, resized, normalised, mixed."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from xaitui.catalog.records import Task
from xaitui.data.device.augment import Augmenter
from xaitui.data.device.prepare import Prepare
from xaitui.training.losses import one_hot


@dataclass(frozen=True)
class TrainingInputs:
    """Makes the inputs and targets of a step, which depend on the seed and the step alone."""

    task: Task
    classes: int
    seed: int
    augmenter: Augmenter
    prepare: Prepare

    @property
    def mixes(self) -> bool:
        """Whether targets are blends of labels."""
        return self.augmenter.mixes

    def __call__(self, images: Tensor, labels: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Turn uint8 images (B, C, H, W) and labels into float inputs of the model's size and targets of the loss."""
        unit = self.augmenter.augment(self.prepare.to_unit(images), seed=self.seed, step=step)
        if not self.mixes:
            return self.prepare.finish(unit), labels
        targets = one_hot(labels, self.classes, self.task)
        unit, targets = self.augmenter.mix(unit, targets, seed=self.seed, step=step)
        return self.prepare.finish(unit), targets
