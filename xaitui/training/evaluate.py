"""Predictions of a model for a split: probabilities in float32, and the loss."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import sklearn.metrics  # noqa: F401 -- loads slowly, and must not delay the first epoch
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xaitui.catalog.records import Task
from xaitui.data.device.prepare import Prepare
from xaitui.data.device.store import Store
from xaitui.events import Event, MemoryRanOut
from xaitui.stop import Stop
from xaitui.system.fault_points import Point, point
from xaitui.training.components import Parts
from xaitui.training.losses import build_loss
from xaitui.training.memory import MEMORY_ERRORS, BatchSizes, free, is_out_of_memory
from xaitui.training.numerics import Numerics
from xaitui.training.progress import Position


@dataclass(frozen=True)
class Predictions:
    """Predictions for each image of a split, in order."""

    probabilities: NDArray[np.float32]
    """(N, C): softmax, or sigmoid for multi-label tasks; always from float32 logits."""
    labels: NDArray[np.int64]
    """(N,) or (N, L)."""
    loss: float
    """Mean over the images; without label smoothing or class weights, so that runs can be compared."""


def probabilities(logits: Tensor, task: Task) -> Tensor:
    """Turn logits (N, C) of any type into float32 probabilities: sigmoid for several labels, else softmax."""
    exact = logits.float()  # in half precision many scores become equal, and ties change the AUC
    return torch.sigmoid(exact) if task is Task.MULTI_LABEL else torch.softmax(exact, dim=1)


@torch.inference_mode()
def predict(
    model: nn.Module, store: Store, prepare: Prepare, task: Task, numerics: Numerics, batch_size: int, stop: Stop | None
) -> Predictions | None:
    """Run a model over a split in eval mode; return None if a stop interrupts."""
    was_training = model.training
    model.eval()
    loss_of = build_loss(task)
    total = torch.zeros((), dtype=numerics.sum_dtype, device=numerics.device)
    answers = []
    point(Point.EVALUATION_BEGUN)
    order = torch.arange(len(store), device=store.index_device)
    try:
        with closing(store.batches(torch.split(order, batch_size))) as batches:
            for images, labels in batches:
                point(Point.EVALUATION_BATCH)
                if stop is not None and stop.now:
                    return None
                with numerics.autocast():
                    logits = model(prepare(images))
                total += loss_of(logits.float(), labels) * len(labels)
                answers.append(probabilities(logits, task))
    finally:
        model.train(was_training)
    point(Point.EVALUATION_DONE)
    return Predictions(
        torch.cat(answers).cpu().numpy(), store.labels.cpu().numpy().astype(np.int64), float(total) / len(store)
    )


def predict_within_memory(
    model: nn.Module, store: Store, parts: Parts, sizes: BatchSizes, at: Position, stop: Stop | None
) -> Generator[Event, None, Predictions | None]:
    """Run `predict`, starting again with smaller batches each time memory runs out, which is also yielded as an event.

    Raises:
        OutOfMemoryError: not even a single image fits.
    """
    while True:
        try:
            return predict(model, store, parts.prepare, parts.task, parts.numerics, sizes.evaluation, stop)
        except MEMORY_ERRORS as error:
            if not is_out_of_memory(error):
                raise
        # Outside the `except` block, because the error's traceback keeps the tensors of the failed batch alive.
        free(parts.numerics.device)
        before = sizes.halve_evaluation(len(store))
        yield MemoryRanOut(epoch=at.epoch, step=at.step, during="evaluation", before=before, after=sizes.evaluation)
