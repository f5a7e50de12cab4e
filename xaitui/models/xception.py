"""Xception on pretrainedmodels' layers, with a separate module for each activation.

Architecture: F. Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", CVPR 2017.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from xaitui.models.activations import own_activations
from xaitui.models.adapt import replace_first_layer
from xaitui.models.pretrainedmodels_library import import_pretrainedmodels
from xaitui.models.request import ModelRequest, Net
from xaitui.models.weights import WeightsFile

WEIGHTS = WeightsFile(
    "xception-43020ad28.pth",
    (
        "https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-cadene/xception-43020ad28.pth",
        "http://data.lip6.fr/cadene/pretrainedmodels/xception-43020ad28.pth",
    ),
    "43020ad28",
    "ImageNet, ported from Keras",
)
"""The file that pretrainedmodels names, and mirrors, as its server is often down."""


class ResidualBlock(nn.Module):
    """A block of separable convolutions beside its shortcut, summed out of place."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.skip: nn.Module | None = block.skip
        if self.skip is not None:
            self.skipbn: nn.Module = block.skipbn
        self.rep: nn.Module = block.rep

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum of both ways."""
        shortcut = x if self.skip is None else self.skipbn(self.skip(x))
        result: Tensor = self.rep(x) + shortcut
        return result


class Xception(nn.Module):
    """The network with the state-dict keys of pretrainedmodels' finished one, whose head is called `last_linear`.

    Input (N, 3, S, S) with S of at least 7 px, output (N, num_classes) logits. The reference makes an in-place ReLU
    anew in each call and uses another three times; here each stands in its place.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        reference = import_pretrainedmodels("pretrainedmodels.models.xception").Xception(num_classes)
        self.conv1: nn.Module = reference.conv1
        self.bn1: nn.Module = reference.bn1
        self.relu1 = nn.ReLU()
        self.conv2: nn.Module = reference.conv2
        self.bn2: nn.Module = reference.bn2
        self.relu2 = nn.ReLU()
        for index in range(1, 13):
            self.add_module(f"block{index}", ResidualBlock(getattr(reference, f"block{index}")))
        self.conv3: nn.Module = reference.conv3
        self.bn3: nn.Module = reference.bn3
        self.relu3 = nn.ReLU()
        self.conv4: nn.Module = reference.conv4
        self.bn4: nn.Module = reference.bn4
        self.relu4 = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.last_linear: nn.Module = reference.fc
        own_activations(self)

    def features(self, x: Tensor) -> Tensor:
        """Return the last feature maps (N, 2048, h, w), after their activation."""
        x = self.relu1(self.bn1(self.conv1(x)))
        x = self.relu2(self.bn2(self.conv2(x)))
        for index in range(1, 13):
            x = getattr(self, f"block{index}")(x)
        x = self.relu3(self.bn3(self.conv3(x)))
        maps: Tensor = self.relu4(self.bn4(self.conv4(x)))
        return maps

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        logits: Tensor = self.last_linear(self.pool(self.features(x)).flatten(1))
        return logits


def build_xception(request: ModelRequest) -> Net:
    """Build Xception."""
    module = Xception(request.num_classes)
    replace_first_layer(module, "conv1", request.in_channels)
    return Net(
        module,
        first_layer="conv1",
        classifier=("last_linear",),
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        weights=(WEIGHTS,),
    )
