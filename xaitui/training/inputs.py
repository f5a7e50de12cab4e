"""From stored images to what a training step takes: augmented, resized, normalised, mixed."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from xaitui.catalog.records import Task
from xaitui.data.device.augment import Augmenter
from xaitui.data.device.prepare import Prepare
from xaitui.training.losses import one_hot


@dataclass(frozen=True)
class TrainingInputs:
    """Makes the inputs and targets of a step, decided by the seed and the step alone."""

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
        """uint8 (B, C, H, W) and labels to float inputs of the model's size and targets of the loss."""
        unit = self.augmenter.augment(self.prepare.to_unit(images), seed=self.seed, step=step)
        if not self.mixes:
            return self.prepare.finish(unit), labels
        targets = one_hot(labels, self.classes, self.task)
        unit, targets = self.augmenter.mix(unit, targets, seed=self.seed, step=step)
        return self.prepare.finish(unit), targets
