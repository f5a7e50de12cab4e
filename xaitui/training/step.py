"""One step of training: the gradient of a batch, whole or in micro-batches, and the update of the weights."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from xaitui.training.bad_step import LabelError, strange_labels
from xaitui.training.batch_order import epoch_batches
from xaitui.training.components import Parts
from xaitui.training.memory import MEMORY_ERRORS, TornUpdateError, Undo, is_out_of_memory, pieces
from xaitui.training.numerics import FiniteGuard
from xaitui.training.observer import Observer
from xaitui.training.optim import set_rate


@dataclass(frozen=True)
class StepResult:
    """What a step gave, without its graph."""

    loss: Tensor
    """Mean over the batch, a scalar."""
    logits: Tensor
    """(B, C)"""


class TrainingStep:
    """Does the steps of a trainer. One that ran out of memory before its update can be undone, and tried again."""

    def __init__(self, parts: Parts, guard: FiniteGuard) -> None:
        self.observer = Observer()
        self._parts = parts
        self._guard = guard
        self._undo = Undo(parts.model, parts.numerics.device)

    def __call__(self, images: Tensor, labels: Tensor, *, step: int, rate: float, micro_batch: int) -> StepResult:
        """Train on uint8 images (B, C, H, W) and their labels.

        Args:
            step: optimizer steps of the run before this one.
            rate: the learning rate.
            micro_batch: images that are computed at once. Gradients add up to that of the batch, but batch
                normalisation takes the statistics of each portion.

        Raises:
            LabelError: a label is no class.
            TornUpdateError: memory ran out in the middle of the update.
            RuntimeError, MemoryError: it ran out before; `undo`, and it is as if nothing had been done.
        """
        parts = self._parts
        self._undo.take()
        parts.optimizer.zero_grad(set_to_none=True)
        try:
            results = self._gradients(images, labels, step, micro_batch)
        except (IndexError, RuntimeError) as error:  # labels are looked at only then: it costs no step anything
            if wrong := strange_labels(labels, parts.task, parts.inputs.classes):
                raise LabelError(step + 1, wrong) from error
            raise
        loss = torch.stack([result.loss for result in results]).sum() if len(results) > 1 else results[0].loss
        self._guard.watch(loss, step + 1)
        with self.observer.phase("optimizer"):
            self._update(rate)
        self._undo.forget()
        return StepResult(
            loss, torch.cat([result.logits for result in results]) if len(results) > 1 else results[0].logits
        )

    def _gradients(self, images: Tensor, labels: Tensor, step: int, micro_batch: int) -> list[StepResult]:
        """Add the gradients of all portions of a batch."""
        with self.observer.phase("augmentation"):  # of the whole batch, which mixing needs
            inputs, targets = self._parts.inputs(images, labels, step)
        return self._gradient_of_pieces(inputs, targets, micro_batch)

    def _gradient_of_pieces(self, inputs: Tensor, targets: Tensor, micro_batch: int) -> list[StepResult]:
        count = len(targets)
        return [self._gradient(inputs[piece], targets[piece], count) for piece in pieces(count, micro_batch)]

    def rehearse(self, inputs: Tensor, targets: Tensor, micro_batch: int) -> None:
        """Compute the gradient of what `prepared_batch` returned, and leave everything as it was before."""
        self._undo.take()
        try:
            self._gradient_of_pieces(inputs, targets, micro_batch)
        finally:
            self.undo()

    def gradient(self, inputs: Tensor, targets: Tensor, micro_batch: int) -> list[Tensor]:
        """The gradient that `rehearse` computes, of each parameter that has one; everything is left as it was."""
        self._undo.take()
        try:
            self._gradient_of_pieces(inputs, targets, micro_batch)
            found = (parameter.grad for parameter in self._parts.model.parameters())
            return [each.clone() for each in found if each is not None]
        finally:
            self.undo()

    def undo(self) -> None:
        """Make generators and buffers what they were before a step that did not come to its end; drop its gradient."""
        self._parts.optimizer.zero_grad(set_to_none=True)
        self._undo.put_back()

    def _gradient(self, inputs: Tensor, targets: Tensor, batch: int) -> StepResult:
        """Add the gradient of a portion; its loss counts by its part of the batch."""
        parts, observer = self._parts, self.observer
        with observer.phase("forward"):
            with parts.numerics.autocast():
                logits = parts.forward(inputs)
            loss = parts.loss(logits.float(), targets)
            if len(targets) < batch:
                loss = loss * (len(targets) / batch)
        with observer.phase("backward"):
            torch.autograd.backward(parts.scaler.scale(loss))
        return StepResult(loss.detach(), logits.detach())

    def _update(self, rate: float) -> None:
        parts, clip_norm = self._parts, self._parts.config.training.clip_norm
        set_rate(parts.optimizer, rate)
        try:
            if clip_norm:
                parts.scaler.unscale_(parts.optimizer)
                nn.utils.clip_grad_norm_(parts.model.parameters(), clip_norm)
            parts.scaler.step(parts.optimizer)
            parts.scaler.update()
            if parts.average is not None:
                parts.average.update(parts.model)
        except MEMORY_ERRORS as error:
            if is_out_of_memory(error):
                raise TornUpdateError from None
            raise


def prepared_batch(parts: Parts, number: int) -> tuple[Tensor, Tensor]:
    """Inputs and targets of a batch of the first epoch, as a step computes with them; -1 is the last batch."""
    training, store = parts.config.training, parts.train
    order = epoch_batches(len(store), training.batch_size, seed=training.seed, epoch=1, device=store.index_device)
    with closing(store.batches([order[number]])) as batches:
        images, labels = next(batches)
    return parts.inputs(images, labels, 0)
