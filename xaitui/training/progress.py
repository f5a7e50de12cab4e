"""Where a run is, and the best that it had."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor, nn


@dataclass
class Position:
    """Where a run is."""

    epoch: int = 1
    """The epoch in work."""
    batch: int = 0
    """Its finished batches."""
    step: int = 0
    """Finished optimizer steps of the whole run."""


@dataclass
class Best:
    """The weights of the best epoch so far; epoch 0 while there is none."""

    epoch: int = 0
    model: dict[str, Tensor] = field(default_factory=dict)

    @staticmethod
    def of(epoch: int, model: nn.Module) -> Best:
        """A copy of the weights as they are."""
        return Best(epoch, {name: tensor.detach().clone() for name, tensor in model.state_dict().items()})
