"""torchvision's AlexNet and ResNets, with a separate module for each activation.

A. Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014; K. He et al., "Deep Residual
Learning for Image Recognition", CVPR 2016. The small stem is the one that He et al. use for CIFAR-10's 32 px images.
"""

from __future__ import annotations

from typing import Any

import torchvision
from torch import Tensor, nn
from torchvision.models import resnet

from xaitui.models.activations import own_activations
from xaitui.models.adapt import replace_first_layer
from xaitui.models.request import ModelRequest, Net
from xaitui.models.weights import WeightsFile


class BasicBlock(resnet.BasicBlock):  # type: ignore[misc]  # torchvision ships no types
    """torchvision's basic block with an activation for each of its two places, and its sum out of place."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.relu
        self.relu1, self.relu2 = nn.ReLU(), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum of both ways, activated."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu1(self.bn1(self.conv1(x)))
        result: Tensor = self.relu2(self.bn2(self.conv2(x)) + shortcut)
        return result


class Bottleneck(resnet.Bottleneck):  # type: ignore[misc]  # torchvision ships no types
    """torchvision's bottleneck with an activation for each of its three places, and its sum out of place."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.relu
        self.relu1, self.relu2, self.relu3 = nn.ReLU(), nn.ReLU(), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum of both ways, activated."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu1(self.bn1(self.conv1(x)))
        x = self.relu2(self.bn2(self.conv2(x)))
        result: Tensor = self.relu3(self.bn3(self.conv3(x)) + shortcut)
        return result


_RESNETS: dict[str, tuple[type[nn.Module], tuple[int, int, int, int]]] = {
    "resnet18": (BasicBlock, (2, 2, 2, 2)),
    "resnet34": (BasicBlock, (3, 4, 6, 3)),
    "resnet50": (Bottleneck, (3, 4, 6, 3)),
    "resnet101": (Bottleneck, (3, 4, 23, 3)),
    "resnet152": (Bottleneck, (3, 8, 36, 3)),
}
"""Block and number of blocks in each of the four stages: table 1 of He et al."""


def build_torchvision_net(request: ModelRequest) -> Net:
    """Build AlexNet, or a ResNet with the requested stem."""
    return _alexnet(request) if request.name == "alexnet" else _resnet(request)


def _alexnet(request: ModelRequest) -> Net:
    module = torchvision.models.AlexNet(num_classes=request.num_classes)
    own_activations(module)
    replace_first_layer(module, "features.0", request.in_channels)
    classifier = ("classifier.1", "classifier.4", "classifier.6")
    return Net(module, first_layer="features.0", classifier=classifier, **_pretrained("alexnet"))


def _resnet(request: ModelRequest) -> Net:
    block, blocks = _RESNETS[request.name]
    module = torchvision.models.ResNet(block, list(blocks), num_classes=request.num_classes)
    own_activations(module)
    small = request.stem == "small"
    if small:
        module.maxpool = nn.Identity()
    if small or request.in_channels != 3:
        module.conv1 = _first_convolution(request.in_channels, small=small)
    fresh = ("conv1",) if small else ()
    return Net(module, first_layer="conv1", classifier=("fc",), fresh=fresh, **_pretrained(request.name))


def _first_convolution(in_channels: int, *, small: bool) -> nn.Conv2d:
    side, stride = (3, 1) if small else (7, 2)
    convolution = nn.Conv2d(in_channels, 64, side, stride, padding=side // 2, bias=False)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")  # as torchvision draws the others
    return convolution


def _pretrained(name: str) -> dict[str, Any]:
    """Return torchvision's properties of the pretrained weights, the default file first."""
    rows = torchvision.models.get_model_weights(name)
    files = [WeightsFile.from_url(row.url, row.name) for row in sorted(rows, key=lambda row: row != rows.DEFAULT)]
    transform = rows.DEFAULT.transforms()
    return {"weights": tuple(files), "mean": tuple(transform.mean), "std": tuple(transform.std)}
