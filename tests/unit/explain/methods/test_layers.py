from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from xaitui.errors import UsageError
from xaitui.explain.methods.layers import choose_layer, default_layer, layers_of
from xaitui.models.build import build_model


def built(name: str, side: int, channels: int = 1) -> tuple[nn.Module, Tensor]:
    module = build_model(name, num_classes=3, in_channels=channels, image_size=side).module.eval()
    return module, torch.rand(1, channels, side, side)


@pytest.mark.parametrize(
    ("name", "side", "layer"),
    [
        ("simple-cnn", 28, "conv3.2 (7x7)"),
        ("simple-cnn", 8, "conv1.2 (8x8)"),
        ("simple-cnn-v1", 28, "conv2.1 (14x14)"),
        ("simple-cnn-v1-softmax", 28, "conv2.1 (14x14)"),
        ("resnet18", 28, "layer3 (7x7)"),
        ("resnet18", 224, "layer4 (7x7)"),
        ("alexnet", 64, "features.4 (7x7)"),
        ("alexnet", 224, "features.11 (13x13)"),
        ("xception", 64, "block2 (8x8)"),
        ("xception", 168, "relu4 (6x6)"),
    ],
)
def test_the_layer_of_each_network(name: str, side: int, layer: str) -> None:
    module, sample = built(name, side)
    assert str(choose_layer(module, sample)) == layer
    assert default_layer(module, sample) == layer.split()[0]


class Strange(nn.Module):
    """Convolutions under names of its own, one of them called twice, and one that ends in a single cell."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.twice = nn.Conv2d(4, 4, 3, padding=1)
        self.last = nn.Conv2d(4, 3, 8)

    def forward(self, x: Tensor) -> Tensor:
        x = self.twice(self.twice(self.first(x)))
        logits: Tensor = self.last(x).flatten(1)
        return logits


def test_a_network_that_is_not_known() -> None:
    module, sample = Strange().train(), torch.rand(1, 1, 8, 8)
    assert [layer.path for layer in layers_of(module, sample)] == ["first"]
    assert default_layer(module, sample) == "first"
    assert module.training
    assert not module.first._forward_hooks


def test_a_network_without_maps() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    assert default_layer(module, torch.rand(1, 1, 8, 8)) == ""
    with pytest.raises(UsageError, match="needs a convolutional layer"):
        choose_layer(module, torch.rand(1, 1, 8, 8))


def test_any_layer_can_be_chosen_and_a_wrong_name_is_answered() -> None:
    module, sample = built("resnet18", 28)
    assert str(choose_layer(module, sample, "layer4")) == "layer4 (4x4)"
    assert choose_layer(module, sample, "layer2.0.conv1").channels == 128
    with pytest.raises(UsageError, match="did you mean 'layer3'"):
        choose_layer(module, sample, "layer33")
    with pytest.raises(UsageError, match="layers: layer1, layer2, layer3, layer4"):
        choose_layer(module, sample, "~~")
    with pytest.raises(UsageError, match="no layer 'fc' that gives maps"):
        choose_layer(module, sample, "fc")
