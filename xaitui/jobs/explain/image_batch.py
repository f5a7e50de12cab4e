"""Batches of images to explain, with the model's predictions and the target class of each image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xaitui.catalog.records import Task
from xaitui.metrics.per_sample import losses
from xaitui.metrics.scores import decide
from xaitui.runs.explanations.maps import SEVERAL_LABELS, Sample


@dataclass(frozen=True)
class ImageBatch:
    """Prepared images with their target classes."""

    indices: NDArray[np.int64]
    inputs: Tensor
    targets: Tensor
    samples: tuple[Sample, ...]

    def only(self, rows: Sequence[int]) -> ImageBatch:
        """Select rows of the batch."""
        chosen = torch.tensor(rows, dtype=torch.int64, device=self.inputs.device)
        samples = tuple(self.samples[row] for row in rows)
        return ImageBatch(self.indices[list(rows)], self.inputs[chosen], self.targets[chosen], samples)


def samples_of(
    task: Task,
    given: NDArray[np.float32],
    labels: NDArray[np.int64],
    indices: NDArray[np.int64],
    target: str | int,
) -> tuple[Sample, ...]:
    """Describe images by their predictions and the target class of each."""
    several = task is Task.MULTI_LABEL
    predicted = given.argmax(axis=1) if several else decide(task, given)
    costs = losses(task, given, labels)
    found = []
    for row, index in enumerate(indices.tolist()):
        label = SEVERAL_LABELS if several else int(labels[row])
        seen = int(predicted[row])
        chosen = {"true": label, "predicted": seen}.get(target, seen) if isinstance(target, str) else target
        p_label = math.nan if several else float(given[row, label])
        found.append(
            Sample(
                index,
                label,
                seen,
                chosen,
                p_label,
                float(given[row, seen]),
                float(given[row, chosen]),
                float(costs[row]),
            )
        )
    return tuple(found)
