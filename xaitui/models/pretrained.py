"""`pretrainedmodels:NAME`: any network of that library, adapted to any image size."""

from __future__ import annotations

import copy
import types
import warnings
from typing import Any

import torch
from torch import Tensor, nn

from xaitui.models.activations import own_activations
from xaitui.models.adapt import replace_first_layer, replace_head
from xaitui.models.pretrainedmodels_library import import_pretrainedmodels
from xaitui.models.request import ModelRequest, Net
from xaitui.models.weights import WeightsFile

_CLASSIFIERS = ("linear0", "linear1", "last_linear", "last_conv")
"""pretrainedmodels' names for the layers after the features; VGG and AlexNet have three, the others one."""


def build_from_pretrainedmodels(request: ModelRequest) -> Net:
    """Build a pretrainedmodels network for any image size, without the library's own download."""
    library = import_pretrainedmodels()
    name = request.name.partition(":")[2]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library uses deprecated calls of torchvision
        module = getattr(library, name)(num_classes=1000, pretrained=None)
    if name.startswith("resnext101"):
        _draw_features(module)
    _take_any_size(module, name)
    own_activations(module)
    classifier = tuple(part for part in _CLASSIFIERS if hasattr(module, part))
    replace_head(module, classifier[-1], request.num_classes)
    first = next(key for key, part in module.named_modules() if isinstance(part, nn.Conv2d) and part.in_channels == 3)
    replace_first_layer(module, first, request.in_channels)
    label, settings = next(iter(library.pretrained_settings[name].items()))
    return Net(module, first, classifier, **_weights(label, settings))


def _weights(label: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of the library's weights, for RGB images in [0, 1]."""
    bgr, scale = settings["input_space"] == "BGR", max(settings["input_range"])
    order = slice(None, None, -1 if bgr else 1)
    return {
        "mean": tuple(value / scale for value in settings["mean"][order]),
        "std": tuple(value / scale for value in settings["std"][order]),
        "size": settings["input_size"][-1],
        "weights": (WeightsFile.from_url(settings["url"], label),),
        "dropped": ("AuxLogits",),
        "bgr": bgr,
    }


def _draw_features(module: Any) -> None:
    """Give a ResNeXt its own features: the library creates them once at import, shared by all its ResNeXts."""
    module.features = copy.deepcopy(module.features).to_empty(device=torch.get_default_device())
    for layer in module.features.modules():
        if isinstance(layer, nn.Conv2d | nn.BatchNorm2d):
            layer.reset_parameters()


def _take_any_size(module: Any, name: str) -> None:
    """Replace the poolings that fit only the size of the pretrained weights, where they do the same, by adaptive ones.

    Also makes each network return logits (N, classes) in training as well: no auxiliary ones, no spatial axes.
    """
    for key, layer in module.named_children():
        if isinstance(layer, nn.AvgPool2d) and _side(layer.kernel_size) >= 7:
            setattr(module, key, nn.AdaptiveAvgPool2d(1))
    if hasattr(module, "_features"):  # VGG, AlexNet: the pooling is there, and the library's forward leaves it out
        module._features.extend([module.avgpool, nn.Flatten()])  # flat, for its view() refuses channels_last maps
        del module.avgpool
    if hasattr(module, "last_conv"):
        module.avgpool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    if hasattr(module, "test_time_pool"):
        module.test_time_pool = False
    if name.startswith("densenet"):
        _set_tail(module, nn.Sequential(nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    if name == "inceptionv3":
        _set_tail(module, nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Dropout(0.5), nn.Flatten()))
        module.aux_logits, module.AuxLogits = False, None


def _side(kernel_size: int | tuple[int, ...]) -> int:
    return kernel_size if isinstance(kernel_size, int) else kernel_size[0]


def _set_tail(module: Any, tail: nn.Sequential) -> None:
    def logits(self: Any, features: Tensor) -> Tensor:
        result: Tensor = self.last_linear(self.tail(features))
        return result

    module.tail = tail
    module.logits = types.MethodType(logits, module)
