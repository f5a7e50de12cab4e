"""Position of a run, and the weights of its best epoch."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor, nn


@dataclass
class Position:
    """Position of a run: its epoch, batch and step."""

    epoch: int = 1
    """The current epoch, from 1."""
    batch: int = 0
    """Finished batches of the epoch."""
    step: int = 0
    """Finished optimizer steps of the whole run."""


@dataclass
class Best:
    """The weights of the best epoch so far; epoch 0 while there is none."""

    epoch: int = 0
    model: dict[str, Tensor] = field(default_factory=dict)

    @staticmethod
    def of(epoch: int, model: nn.Module) -> Best:
        """Copy the current weights."""
        return Best(epoch, {name: tensor.detach().clone() for name, tensor in model.state_dict().items()})
