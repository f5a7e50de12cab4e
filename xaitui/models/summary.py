"""Size of a model and its cost per image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class ModelSummary:
    """The size of a model and the cost of one image."""

    parameters: int
    trainable: int
    """Parameters that are trained."""
    multiply_adds: int
    """Multiply-and-add operations of convolutions and matrix products in one forward pass of one image."""


def summarize(module: nn.Module, in_channels: int, image_size: int) -> ModelSummary:
    """Count parameters and multiply-adds, by one evaluation pass where the module lies; it is left as it was."""
    parameters = list(module.parameters())
    device = parameters[0].device if parameters else torch.device("cpu")
    training = module.training
    counter = FlopCounterMode(display=False)
    try:
        with torch.no_grad(), counter:
            module.eval()(torch.zeros(1, in_channels, image_size, image_size, device=device))
    finally:
        module.train(training)
    return ModelSummary(
        parameters=sum(p.numel() for p in parameters),
        trainable=sum(p.numel() for p in parameters if p.requires_grad),
        multiply_adds=counter.get_total_flops() // 2,
    )
