"""The images on which maps are judged, with the model and the class that each map explains."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Model = Callable[[Tensor], Tensor]
"""Inputs (N, C, H, W) -> logits (N, classes), in evaluation mode and float32."""

Maps = Tensor | NDArray[np.float32]
"""(N, H, W); what is larger matters more."""

Explain = Callable[[Tensor, Tensor], Maps]
"""Inputs (N, C, H, W) and targets (N,) -> maps; an image gets the same map in whatever batch it stands."""

DEFAULT_BATCH = 128


@dataclass(frozen=True)
class Subjects:
    """Some images of a split, and the model that is asked about them."""

    model: Model
    inputs: Tensor
    """(N, C, H, W), normalised float32, on the model's device."""
    targets: Tensor
    """(N,) int64 on the same device: the class that each map is about."""
    indices: Sequence[int]
    """(N,): of the images in their split. What is drawn for an image depends on its index and the seed alone."""
    seed: int = 0
    batch: int = DEFAULT_BATCH
    """Images that go through the model at once."""
    several_labels: bool = False
    """Whether an output is a yes or no of its own, so that a probability is its sigmoid instead of the softmax."""

    def __len__(self) -> int:
        return len(self.inputs)

    def only(self, rows: Sequence[int]) -> Subjects:
        """Some of them."""
        chosen = torch.tensor(rows, dtype=torch.int64, device=self.inputs.device)
        return replace(
            self, inputs=self.inputs[chosen], targets=self.targets[chosen], indices=[self.indices[row] for row in rows]
        )

    def groups(self, copies: int) -> Iterator[tuple[slice, Subjects]]:
        """Split them so that so many copies of each image of a group make about one batch."""
        size = max(1, self.batch // copies)
        for start in range(0, len(self), size):
            rows = range(start, min(start + size, len(self)))
            yield slice(rows.start, rows.stop), self.only(rows)

    def target_probabilities(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """What the model gives classes (N,) on inputs (N, C, H, W): float32 (N,) within [0, 1]."""
        logits = self.model(inputs).float()
        answers = logits.sigmoid() if self.several_labels else logits.softmax(dim=1)
        return answers.gather(1, targets[:, None])[:, 0]

    def tensor(self, maps: Maps) -> Tensor:
        """Maps as a float32 tensor beside the inputs."""
        return torch.as_tensor(maps, dtype=torch.float32, device=self.inputs.device).detach()
