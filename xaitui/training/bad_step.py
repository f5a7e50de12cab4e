"""Which images a step had after which a training cannot go on; looked at only then, so that no step pays for it."""

from __future__ import annotations

import torch
from torch import Tensor

from xaitui.catalog.records import Task
from xaitui.errors import DataError
from xaitui.events import BadStep
from xaitui.training.batch_order import epoch_batches, steps_per_epoch
from xaitui.training.components import Parts


class LabelError(DataError):
    """Labels of a batch are no classes."""

    what = "labels"

    def __init__(self, step: int, wrong: str) -> None:
        super().__init__(f"step {step} has labels that are no classes: {wrong}; check the data with xaitui data verify")
        self.step = step


def bad_step(parts: Parts, step: int, what: str) -> BadStep:
    """The event of a step that cannot be gone on from; its images follow from its number.

    Args:
        step: its number, from 1 on.
        what: was wrong, as `BadStep.what` names it.
    """
    images, training = len(parts.train), parts.config.training
    epoch, batch = divmod(step - 1, steps_per_epoch(images, training.batch_size))
    order = epoch_batches(images, training.batch_size, seed=training.seed, epoch=epoch + 1, device=torch.device("cpu"))
    return BadStep(epoch=epoch + 1, step=step, what=what, images=" ".join(map(str, order[batch].tolist())))


def strange_labels(labels: Tensor, task: Task, classes: int) -> str:
    """Which labels of a batch are no classes, in words; empty where all are, or where that can no longer be told.

    A GPU that was given one takes no more orders, so that only those on a processor are looked at.
    """
    if labels.device.type != "cpu" or task is Task.MULTI_LABEL:
        return ""
    wrong = sorted({label for label in labels.tolist() if not 0 <= label < classes})
    return f"{', '.join(map(str, wrong))}: not one of the classes 0 to {classes - 1}" if wrong else ""
