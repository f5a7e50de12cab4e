"""The report's appendix A.1, layer by layer."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from xaitui.models.build import build_model


def shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(parameter.shape) for name, parameter in module.named_parameters()}


def parameters(module: nn.Module) -> dict[str, int]:
    """Parameters of each layer that has any."""
    layers = {name: sum(p.numel() for p in layer.parameters(recurse=False)) for name, layer in module.named_modules()}
    return {name: count for name, count in layers.items() if count}


def test_the_initial_version_is_the_listing() -> None:
    module = build_model("simple-cnn-v1", num_classes=10, in_channels=1, image_size=28).module
    assert shapes(module) == {
        "conv1.0.weight": (32, 1, 3, 3),
        "conv1.0.bias": (32,),
        "conv2.0.weight": (64, 32, 3, 3),
        "conv2.0.bias": (64,),
        "out.weight": (10, 64 * 7 * 7),
        "out.bias": (10,),
    }
    assert parameters(module) == {"conv1.0": 320, "conv2.0": 18_496, "out": 31_370}
    assert [type(layer) for layer in module.get_submodule("conv1").children()] == [
        nn.Conv2d,
        nn.LeakyReLU,
        nn.MaxPool2d,
    ]


@pytest.mark.parametrize(("channels", "classes", "total"), [(1, 10, 391_370), (3, 9, 391_689)])
def test_the_improved_version_is_the_listing(channels: int, classes: int, total: int) -> None:
    module = build_model("simple-cnn", num_classes=classes, in_channels=channels, image_size=28).module
    assert parameters(module) == {
        "conv1.0": 32 * channels * 9 + 32,
        "conv1.1": 64,
        "conv2.0": 18_496,
        "conv2.1": 128,
        "conv3.0": 73_856,
        "conv3.1": 256,
        "fc1": 295_168,
        "fc_bn": 512,
        "fc2": 256 * classes + classes,
    }
    assert sum(parameters(module).values()) == total
    block = [nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.MaxPool2d, nn.Dropout]
    for name in ("conv1", "conv2", "conv3"):
        assert [type(layer) for layer in module.get_submodule(name).children()] == block
    dropouts = [layer.p for layer in module.modules() if isinstance(layer, nn.Dropout)]
    assert dropouts == [0.25, 0.25, 0.25, 0.5]


def test_the_improved_version_computes_what_the_listing_computes() -> None:
    torch.manual_seed(0)
    module = build_model("simple-cnn", num_classes=10, in_channels=1, image_size=28).module.eval()
    x = torch.rand(4, 1, 28, 28)
    layer = module.get_submodule
    hidden = layer("conv3")(layer("conv2")(layer("conv1")(x))).reshape(-1, 128 * 3 * 3)
    hidden = torch.relu(layer("fc_bn")(layer("fc1")(hidden)))
    listing = torch.log_softmax(layer("fc2")(hidden), dim=1)
    torch.testing.assert_close(torch.log_softmax(module(x), dim=1), listing, rtol=0, atol=0)


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("dropout", [True, False])
@pytest.mark.parametrize("activation", ["relu", "leaky-relu"])
def test_an_ablation_removes_its_part_and_keeps_the_other_names(
    batch_norm: bool, dropout: bool, activation: str
) -> None:
    module = build_model(
        "simple-cnn",
        num_classes=9,
        in_channels=3,
        image_size=28,
        batch_norm=batch_norm,
        dropout=dropout,
        activation=activation,
    ).module
    kinds = [type(layer) for layer in module.modules()]
    assert sum(issubclass(kind, nn.modules.batchnorm._BatchNorm) for kind in kinds) == 4 * batch_norm
    assert kinds.count(nn.Dropout) == 4 * dropout
    assert kinds.count(nn.LeakyReLU if activation == "leaky-relu" else nn.ReLU) == 4
    assert {"conv1.0.weight", "conv2.0.weight", "conv3.0.weight", "fc1.weight", "fc2.weight"} <= set(shapes(module))


@pytest.mark.parametrize("size", [8, 15, 28, 33, 64])
def test_any_size_fits(size: int) -> None:
    for name in ("simple-cnn-v1", "simple-cnn"):
        module = build_model(name, num_classes=4, in_channels=2, image_size=size).module
        assert module(torch.rand(2, 2, size, size)).shape == (2, 4)
