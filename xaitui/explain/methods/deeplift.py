"""DeepLIFT by captum, with a rule for max-pooling of our own.

Captum 0.9 loses contributions where windows overlap, for `max_unpool2d` keeps one of several; where an input does not
differ from its baseline, it takes the gradient of the first image for all; and it mixes gradients of the image with
those of the baseline. So its maps do not sum up to the change of the logit.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn.functional as F
from captum.attr import DeepLift
from torch import Tensor, nn

from xaitui.explain.methods.recipe import Attributions, Call, completeness_error
from xaitui.models.activations import ACTIVATIONS


def deeplift(call: Call) -> Attributions:
    """Hand the change of the logit back to the pixels by the rescale rule (Shrikumar and others 2017)."""
    module = with_own_inputs(call.module)
    for name, layer in call.module.named_modules():
        if type(layer) is nn.MaxPool2d and not layer.return_indices:
            module.set_submodule(name, _MaxPool(layer))
    values = DeepLift(module).attribute(call.inputs, call.baselines, target=call.targets).detach().float()
    return Attributions(values, {"completeness": completeness_error(values, call.change())})


def with_own_inputs(module: nn.Module) -> nn.Module:
    """A copy of a network in which no activation shares its input with another layer.

    Captum changes the gradient of the input of an activation: where a shortcut begins at the same tensor, as in the
    blocks of Xception, it would change or lose that of the shortcut, too.
    """
    changed = copy.deepcopy(module)
    for name, layer in module.named_modules():
        if name and isinstance(layer, ACTIVATIONS):
            changed.set_submodule(name, _Apart(changed.get_submodule(name)))
    return changed


class _Apart(nn.Module):
    """A layer that works on a copy of its input."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """Return what the layer does."""
        result: Tensor = self.layer(x.clone())
        return result


class _MaxPool(nn.Module):
    """A max-pooling whose gradients are DeepLIFT's multipliers; images and then their baselines come as one batch."""

    def __init__(self, layer: nn.MaxPool2d) -> None:
        super().__init__()
        self.options = {
            name: getattr(layer, name) for name in ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
        }

    def forward(self, x: Tensor) -> Tensor:
        """Return the pooled batch."""
        pooled: Tensor = _Rescaled.apply(x, self.options)
        return pooled


class _Rescaled(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, x: Tensor, options: dict[str, Any]) -> Tensor:
        pooled, places = F.max_pool2d(x, **options, return_indices=True)
        context.save_for_backward(x, pooled, places)
        return pooled

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """Share each window's change out between the largest input of the image and that of the baseline.

        What the image adds beyond the larger of both belongs to its own largest input, the rest to the baseline's.
        """
        x, pooled, places = context.saved_tensors
        (image, baseline), (own, its) = pooled.chunk(2), places.chunk(2)
        multiplier = gradients[0].chunk(2)[0]
        larger = torch.maximum(image, baseline)
        moved = x.chunk(2)[0] - x.chunk(2)[1]
        given = torch.zeros_like(moved).flatten(2)
        given.scatter_add_(2, own.flatten(2), (multiplier * (larger - baseline)).flatten(2))
        given.scatter_add_(2, its.flatten(2), (multiplier * (image - larger)).flatten(2))
        share = torch.where(moved != 0, given.view_as(moved) / moved, 0.0)
        return torch.cat([share, share]), None
