"""The images of a step that ended a run, derived afterwards so that ordinary steps do not pay for it."""

from __future__ import annotations

import torch
from torch import Tensor

from xaitui.catalog.records import Task
from xaitui.errors import DataError
from xaitui.events import BadStep
from xaitui.training.batch_order import epoch_batches, steps_per_epoch
from xaitui.training.components import Parts


class LabelError(DataError):
    """Labels of a batch are not classes."""

    what = "labels"

    def __init__(self, step: int, wrong: str) -> None:
        super().__init__(f"step {step} has labels that are no classes: {wrong}; check the data with xaitui data verify")
        self.step = step


def bad_step(parts: Parts, step: int, what: str) -> BadStep:
    """Build the event of a step after which training cannot continue; its images follow from its number.

    Args:
        parts: the parts of the trainer.
        step: its number, from 1.
        what: the kind of fault, as in `BadStep.what`.
    """
    images, training = len(parts.train), parts.config.training
    epoch, batch = divmod(step - 1, steps_per_epoch(images, training.batch_size))
    order = epoch_batches(images, training.batch_size, seed=training.seed, epoch=epoch + 1, device=torch.device("cpu"))
    return BadStep(epoch=epoch + 1, step=step, what=what, images=" ".join(map(str, order[batch].tolist())))


def strange_labels(labels: Tensor, task: Task, classes: int) -> str:
    """Describe the labels of a batch that are not classes; empty if all are, or if that cannot be determined.

    Only labels on the CPU are checked: after a GPU kernel has hit an invalid label, its context accepts no more work.
    """
    if labels.device.type != "cpu" or task is Task.MULTI_LABEL:
        return ""
    wrong = sorted({label for label in labels.tolist() if not 0 <= label < classes})
    return f"{', '.join(map(str, wrong))}: not one of the classes 0 to {classes - 1}" if wrong else ""
