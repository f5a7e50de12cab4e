"""Adaptation of networks: first layer to the channels, head to the classes, and freezing of weights."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Self, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from xaitui.errors import UsageError


class GreyConv2d(nn.Conv2d):
    """A first convolution made for RGB that takes grey images (N, 1, H, W) in [0, 1].

    It repeats the image three times and normalises each copy as the pretrained weights expect. That is exact where
    summing the kernels over RGB is not: with a mean for each channel, a padding of zeros stands for three other greys.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, rgb: nn.Conv2d, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__(
            **_geometry(rgb), device="meta"
        )  # draws nothing from the generator: the weights are those of `rgb`
        self.weight, self.bias = rgb.weight, rgb.bias
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def forward(self, input: Tensor) -> Tensor:
        """Return the feature maps of the repeated and normalised image."""
        return super().forward((input - self.mean) / self.std)


def _geometry(convolution: nn.Conv2d) -> dict[str, Any]:
    names = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "padding_mode")
    return {name: getattr(convolution, name) for name in names} | {"bias": convolution.bias is not None}


def _plain_convolution(module: nn.Module, name: str) -> nn.Conv2d:
    layer = module.get_submodule(name)
    if type(layer) is not nn.Conv2d:
        kind = type(layer).__name__
        raise UsageError(f"the first layer, {kind} {name!r}, cannot be fitted to another number of channels")
    return layer


def replace_first_layer(module: nn.Module, name: str, in_channels: int) -> None:
    """Give the convolution `name` another number of input channels, and weights from torch's default initialisation.

    Raises:
        UsageError: the layer is not a plain convolution.
    """
    if getattr(module.get_submodule(name), "in_channels", 0) != in_channels:
        geometry = _geometry(_plain_convolution(module, name)) | {"in_channels": in_channels}
        module.set_submodule(name, nn.Conv2d(**geometry))


def take_grey(module: nn.Module, name: str, mean: Sequence[float], std: Sequence[float]) -> bool:
    """Adapt an RGB network to grey images, with exactly the logits of the repeated grey image.

    Args:
        name: path of its first convolution.
        mean, std: the normalisation of the RGB image, one value for all channels or one for each.

    Returns:
        True where the kernels could be summed, because the three channels are normalised alike: the network takes the
        image normalised in that way. False where the first layer repeats and normalises: it takes [0, 1].

    Raises:
        UsageError: the layer is not a plain convolution.
    """
    rgb = _plain_convolution(module, name)
    if len(set(mean)) > 1 or len(set(std)) > 1:
        module.set_submodule(name, GreyConv2d(rgb, mean, std))
        return False
    grey = nn.Conv2d(**_geometry(rgb) | {"in_channels": 1}, device="meta")
    grey.weight = nn.Parameter(rgb.weight.detach().sum(dim=1, keepdim=True))
    grey.bias = rgb.bias
    module.set_submodule(name, grey)
    return True


def replace_head(module: nn.Module, name: str, num_classes: int) -> None:
    """Give the layer of the logits, linear or a 1x1 convolution, another number of outputs and fresh weights."""
    head = module.get_submodule(name)
    if isinstance(head, nn.Linear) and head.out_features != num_classes:
        module.set_submodule(name, nn.Linear(head.in_features, num_classes, bias=head.bias is not None))
    elif isinstance(head, nn.Conv2d) and head.out_channels != num_classes:
        module.set_submodule(name, nn.Conv2d(**_geometry(head) | {"out_channels": num_classes}))


class _StaysInEval:
    """Normalise with the stored statistics, also in training."""

    def train(self, mode: bool = True) -> Self:
        return cast("Self", super().train(False))  # type: ignore[misc]  # nn.Module comes second among the bases


@functools.cache
def _frozen_kind(kind: type) -> type:
    return type(f"Frozen{kind.__name__}", (_StaysInEval, kind), {})


def train_only(module: nn.Module, trained: Sequence[str]) -> None:
    """Freeze all modules but `trained`: no gradients, and no new statistics in batch normalisation."""
    kept = {id(part) for name in trained for part in module.get_submodule(name).modules()}
    module.requires_grad_(False)
    for name in trained:
        module.get_submodule(name).requires_grad_(True)
    for layer in module.modules():
        if isinstance(layer, _BatchNorm) and id(layer) not in kept:
            # Changing the object's class keeps its keys, hooks and tensors, and train() has no effect on it.
            kind: Any = type(layer)
            layer.__class__ = _frozen_kind(kind)
            layer.eval()
