"""The layers that Grad-CAM can look at: their maps, and which one is looked at unless another one is chosen."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from xaitui.errors import UsageError, nearest
from xaitui.text import printable

COARSE = 6
"""Cells a side below which maps are too coarse: at 28 px those of the last stage of a ResNet have 4x4."""

_STAGES: Mapping[str, re.Pattern[str]] = {
    "SimpleCNN": re.compile(r"conv\d\.2"),
    "SimpleCNNv1": re.compile(r"conv\d\.1"),
    "AlexNet": re.compile(r"features\.(1|4|7|9|11)"),
    "ResNet": re.compile(r"layer\d"),
    "Xception": re.compile(r"block\d+|relu4"),
}
"""By class: the layers that end a stage, after their activation and before they are pooled."""


@dataclass(frozen=True)
class LayerInfo:
    """A layer that gives maps of the image."""

    path: str
    channels: int
    height: int
    """In cells."""
    width: int

    def __str__(self) -> str:
        return f"{self.path} ({self.height}x{self.width})"


def layers_of(module: nn.Module, sample: Tensor) -> list[LayerInfo]:
    """The layers that give maps with more than one cell a side, in the order in which one evaluation pass ends them.

    Layers that are called more than once are left out: they have no one map.

    Args:
        sample: normalised images (N, C, H, W), on the module's device.
    """
    found: dict[str, LayerInfo] = {}
    repeated: set[str] = set()

    def keep(name: str, output: Any) -> None:
        if not isinstance(output, Tensor) or output.ndim != 4 or min(output.shape[2:]) < 2:
            return
        if name in found:
            repeated.add(name)
        found[name] = LayerInfo(name, *output.shape[1:])

    handles = [
        layer.register_forward_hook(lambda _, __, output, name=name: keep(name, output))
        for name, layer in module.named_modules()
        if name
    ]
    training = module.training
    try:
        with torch.no_grad():
            module.eval()(sample)
    finally:
        module.train(training)
        for handle in handles:
            handle.remove()
    return [layer for name, layer in found.items() if name not in repeated]


def default_layer(module: nn.Module, sample: Tensor) -> str:
    """The path of the layer to look at; empty where no layer gives maps.

    It is the last stage of the network whose maps have at least `COARSE` cells a side, or the last one of all where
    none has: what is later knows more of the class, and what is coarser shows less of the place (Selvaraju and others
    2017, section 3). The stages of a network that is not known here are its convolutions.
    """
    stages = stages_of(module, layers_of(module, sample))
    fine = [layer for layer in stages if min(layer.height, layer.width) >= COARSE]
    return (fine or stages)[-1].path if stages else ""


def stages_of(module: nn.Module, layers: Sequence[LayerInfo]) -> list[LayerInfo]:
    """Those of the layers that are worth looking at."""
    pattern = next((_STAGES[kind.__name__] for kind in type(module).__mro__ if kind.__name__ in _STAGES), None)
    known = [layer for layer in layers if pattern and pattern.fullmatch(layer.path)]
    return known or [layer for layer in layers if isinstance(module.get_submodule(layer.path), nn.Conv2d)]


def choose_layer(module: nn.Module, sample: Tensor, wanted: str = "") -> LayerInfo:
    """The layer that is asked for, or the default one.

    Raises:
        UsageError: there is no such layer, or it gives no maps; names the nearest one.
    """
    layers = {layer.path: layer for layer in layers_of(module, sample)}
    name = wanted or default_layer(module, sample)
    if name in layers:
        return layers[name]
    if not wanted:
        raise UsageError("Grad-CAM needs a convolutional layer that gives maps, and this model has none")
    others = [layer.path for layer in stages_of(module, list(layers.values()))]
    guess = nearest(wanted, layers)
    raise UsageError(
        f"there is no layer {printable(wanted)!r} that gives maps{guess or '; layers: ' + ', '.join(others[-20:])}"
    )
