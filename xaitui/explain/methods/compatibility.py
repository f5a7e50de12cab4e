"""Compatibility of a method with a model, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from xaitui.catalog.attributions import AttributionInfo
from xaitui.errors import UsageError
from xaitui.models.activations import watch_activations

_FOLLOWED: Mapping[str, tuple[type[nn.Module], ...]] = {
    "deeplift": (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.Sigmoid, nn.Tanh, nn.Softplus),
    "guided-grad-cam": (nn.ReLU,),
}
"""The activations that a method knows; of others captum takes the plain gradient without a word."""


def check_method(module: nn.Module, info: AttributionInfo, sample: Tensor) -> None:
    """Refuse a method that would be wrong on a model without a sign of it.

    Args:
        sample: normalised images (N, C, H, W), on the module's device.

    Raises:
        UsageError: says what the model has that the method cannot follow.
    """
    if not info.own_activations:
        return
    output, use = watch_activations(module, sample)
    kinds = {type(module.get_submodule(path)) for path in use.modules}
    unknown = sorted(kind.__name__ for kind in kinds if kind not in _FOLLOWED[info.name])
    reason = ""
    if use.reused or use.functional:
        reason = f"{len(use.reused)} of its activations are used more than once and {use.functional} are functions"
    elif unknown:
        reason = f"it has activations that the method does not know: {', '.join(unknown)}"
    elif gives_probabilities(output):
        reason = "it ends in a softmax, which the method does not follow"
    if reason:
        raise UsageError(f"{info.name} cannot explain this model: {reason}; choose another --method")


def gives_probabilities(output: Tensor) -> bool:
    """Whether a model gives probabilities (N, C) where logits are expected."""
    sums = output.sum(dim=1)
    return bool((output >= 0).all()) and torch.allclose(sums, torch.ones_like(sums), atol=1e-4)
