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
    """Loss and logits of a step, detached from the graph."""

    loss: Tensor
    """Mean over the batch, a scalar."""
    logits: Tensor
    """(B, C)"""


class TrainingStep:
    """Runs the steps of a trainer.

    Computing gradients changes two kinds of state besides the gradients: the random generators (dropout) and the
    buffers (batch statistics). Both are saved before each step, so that a step that runs out of memory before its
    update can be undone and repeated in smaller micro-batches. The update itself changes weights in place and is not
    saved, which would cost a copy of the model: running out of memory there raises TornUpdateError.
    """

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
                normalisation uses the statistics of each micro-batch.

        Raises:
            LabelError: a label is not a class.
            TornUpdateError: memory ran out in the middle of the update.
            RuntimeError, MemoryError: memory ran out before the update; `undo` reverts the step.
        """
        parts = self._parts
        self._undo.take()
        parts.optimizer.zero_grad(set_to_none=True)
        try:
            results = self._gradients(images, labels, step, micro_batch)
        except (IndexError, RuntimeError) as error:
            # Labels are checked only after an error, so that ordinary steps do not pay for the check.
            if wrong := strange_labels(labels, parts.task, parts.inputs.classes):
                raise LabelError(step + 1, wrong) from error
            raise
        # The guard sees the loss before the update, so that a loss that is not finite can still stop the update.
        loss = torch.stack([result.loss for result in results]).sum() if len(results) > 1 else results[0].loss
        self._guard.watch(loss, step + 1)
        with self.observer.phase("optimizer"):
            self._update(rate)
        self._undo.forget()
        return StepResult(
            loss, torch.cat([result.logits for result in results]) if len(results) > 1 else results[0].logits
        )

    def _gradients(self, images: Tensor, labels: Tensor, step: int, micro_batch: int) -> list[StepResult]:
        """Accumulate the gradients of all micro-batches of a batch."""
        with self.observer.phase("augmentation"):  # on the whole batch, because mixing blends images across it
            inputs, targets = self._parts.inputs(images, labels, step)
        return self._gradient_of_pieces(inputs, targets, micro_batch)

    def _gradient_of_pieces(self, inputs: Tensor, targets: Tensor, micro_batch: int) -> list[StepResult]:
        count = len(targets)
        return [self._gradient(inputs[piece], targets[piece], count) for piece in pieces(count, micro_batch)]

    def rehearse(self, inputs: Tensor, targets: Tensor, micro_batch: int) -> None:
        """Compute the gradient of a batch from `prepared_batch`, then restore all state."""
        self._undo.take()
        try:
            self._gradient_of_pieces(inputs, targets, micro_batch)
        finally:
            self.undo()

    def gradient(self, inputs: Tensor, targets: Tensor, micro_batch: int) -> list[Tensor]:
        """Return the gradient of each parameter that has one, as `rehearse` computes it, and restore all state."""
        self._undo.take()
        try:
            self._gradient_of_pieces(inputs, targets, micro_batch)
            found = (parameter.grad for parameter in self._parts.model.parameters())
            return [each.clone() for each in found if each is not None]
        finally:
            self.undo()

    def undo(self) -> None:
        """Restore generators and buffers to their state before an unfinished step, and drop its gradient."""
        self._parts.optimizer.zero_grad(set_to_none=True)
        self._undo.put_back()

    def _gradient(self, inputs: Tensor, targets: Tensor, batch: int) -> StepResult:
        """Accumulate the gradient of a micro-batch.

        Its mean loss is weighted by its share of the batch, so that the gradients of all micro-batches sum to the
        gradient of the batch's mean loss even where they differ in size.
        """
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
    """Inputs and targets of a batch of the first epoch, as a training step uses them; -1 is the last batch."""
    training, store = parts.config.training, parts.train
    order = epoch_batches(len(store), training.batch_size, seed=training.seed, epoch=1, device=store.index_device)
    with closing(store.batches([order[number]])) as batches:
        images, labels = next(batches)
    return parts.inputs(images, labels, 0)
