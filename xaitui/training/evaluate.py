"""What a model says about a split: probabilities in float32, and the loss."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from xaitui.catalog.records import Task
from xaitui.data.device.prepare import Prepare
from xaitui.data.device.store import Store
from xaitui.stop import Stop
from xaitui.training.losses import build_loss
from xaitui.training.metrics import probabilities
from xaitui.training.numerics import Numerics


@dataclass(frozen=True)
class Predictions:
    """The answers for each image of a split, in its order."""

    probabilities: NDArray[np.float32]
    """(N, C): softmax, or sigmoid for multi-label tasks; always of float32 logits."""
    labels: NDArray[np.int64]
    """(N,) or (N, L)."""
    loss: float
    """Mean over the images; without label smoothing or class weights, so that runs can be compared."""


@torch.inference_mode()
def predict(
    model: nn.Module, store: Store, prepare: Prepare, task: Task, numerics: Numerics, batch_size: int, stop: Stop | None
) -> Predictions | None:
    """Run a model over a split in eval mode; None where it was asked to stop in between."""
    was_training = model.training
    model.eval()
    loss_of = build_loss(task)
    total = torch.zeros((), dtype=numerics.sum_dtype, device=numerics.device)
    answers = []
    order = torch.arange(len(store), device=store.index_device)
    try:
        with closing(store.batches(torch.split(order, batch_size))) as batches:
            for images, labels in batches:
                if stop is not None and stop.now:
                    return None
                with numerics.autocast():
                    logits = model(prepare(images))
                total += loss_of(logits.float(), labels) * len(labels)
                answers.append(probabilities(logits, task))
    finally:
        model.train(was_training)
    return Predictions(
        torch.cat(answers).cpu().numpy(), store.labels.cpu().numpy().astype(np.int64), float(total) / len(store)
    )
