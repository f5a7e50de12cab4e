"""CUDA graphs: forward and backward of a whole batch are captured once and replayed, without launching each kernel.

A small network with small batches leaves a GPU idle between launches: its kernels finish before the host has launched
the next one.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from xaitui.training.components import Parts
from xaitui.training.memory import Undo

AGREEMENT = 1e-2
"""Largest difference of captured gradients, relative to their norm, that a different order of summation may cause."""


class GraphedForward:
    """The model in training: batches of the captured shape are replayed, others (the last of an epoch) run eagerly.

    Source: torch.cuda.make_graphed_callables, which captures forward and backward in graphs of their own.
    """

    def __init__(self, parts: Parts, inputs: Tensor) -> None:
        """Capture for batches like `inputs`; weights, buffers and generators are left as they are.

        Raises:
            RuntimeError: something in the model cannot be captured.
        """
        self._model, self._shape = parts.model, inputs.shape
        undo = Undo(parts.model, parts.numerics.device)
        undo.take()
        try:
            with torch.cuda.device(parts.numerics.device):  # the streams of a capture belong to the current device
                # The model is wrapped because make_graphed_callables replaces the forward method of its argument.
                self._graphed: Any = torch.cuda.make_graphed_callables(_Whole(parts), (inputs.detach().clone(),))
        finally:
            undo.put_back()

    def __call__(self, inputs: Tensor) -> Tensor:
        """float (B, C, H, W) to logits (B, classes)."""
        is_whole = inputs.shape == self._shape and self._model.training
        logits: Tensor = self._graphed(inputs) if is_whole else self._model(inputs)
        return logits


class _Whole(nn.Module):
    """The model under its autocast: captured kernels keep the types that they were captured with."""

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.model = parts.model
        self._numerics = parts.numerics

    def forward(self, inputs: Tensor) -> Tensor:
        numerics = self._numerics
        # The cache of casts is off: replays would otherwise use the weights as cast during the capture.
        with torch.autocast(
            numerics.device.type, numerics.dtype, enabled=numerics.precision != "float32", cache_enabled=False
        ):
            logits: Tensor = self.model(inputs)
        return logits


def refuse_other_gradient(plain: list[Tensor], graphed: list[Tensor]) -> None:
    """Compare the gradients of one batch, computed eagerly and by the graph.

    Raises:
        RuntimeError: they differ by more than rounding.
    """
    difference = torch.stack([(one - other).norm() for one, other in zip(plain, graphed, strict=True)]).norm()
    norm = torch.stack([each.norm() for each in plain]).norm()
    if not difference <= AGREEMENT * norm:
        raise RuntimeError("the captured gradient differs from the plain one")
