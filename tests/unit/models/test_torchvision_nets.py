from __future__ import annotations

from typing import Any

import pytest
import torch
import torchvision
from torch import nn

from xaitui.models.build import build_model
from xaitui.models.construct import construct
from xaitui.models.request import ModelRequest

NETS = ("alexnet", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152")


def theirs(name: str, num_classes: int = 1000) -> Any:
    return torchvision.models.get_model(name, num_classes=num_classes)


@pytest.mark.parametrize("name", NETS)
def test_keys_and_shapes_are_torchvisions(name: str) -> None:
    with torch.device("meta"):
        ours = build_model(name, num_classes=1000, in_channels=3, image_size=224).module.state_dict()
        reference = theirs(name).state_dict()
    assert list(ours) == list(reference)
    assert all(ours[key].shape == reference[key].shape for key in reference)


@pytest.mark.parametrize("name", ["alexnet", "resnet18", "resnet50"])
def test_they_compute_what_torchvisions_compute(name: str) -> None:
    torch.manual_seed(0)
    reference = theirs(name, 7).eval()
    ours = build_model(name, num_classes=7, in_channels=3, image_size=64, stem="imagenet").module.eval()
    ours.load_state_dict(reference.state_dict())
    x = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(ours(x), reference(x))


@pytest.mark.parametrize("name", NETS)
def test_the_facts_about_weights_are_torchvisions(name: str) -> None:
    rows = torchvision.models.get_model_weights(name)
    with torch.device("meta"):
        net = construct(ModelRequest(name, 10, 3, 64))
    default, *others = net.weights
    assert default.urls == (rows.DEFAULT.url,)
    assert default.label == rows.DEFAULT.name
    assert default.sha256_prefix
    assert default.sha256_prefix in default.name
    assert len(others) == len(rows) - 1
    assert net.mean == (0.485, 0.456, 0.406)
    assert net.std == (0.229, 0.224, 0.225)


def first_layers(module: nn.Module) -> tuple[Any, Any]:
    return module.get_submodule("conv1"), module.get_submodule("maxpool")


@pytest.mark.parametrize("channels", [1, 3])
def test_the_small_stem_keeps_the_size_of_the_image(channels: int) -> None:
    built = build_model("resnet18", num_classes=9, in_channels=channels, image_size=28)
    convolution, pooling = first_layers(built.module)
    assert (convolution.in_channels, convolution.kernel_size, convolution.stride) == (channels, (3, 3), (1, 1))
    assert isinstance(pooling, nn.Identity)
    assert built.notes == ("small stem: images of up to 64 px keep their detail; --stem imagenet for the other",)
    maps = nn.Sequential(*list(built.module.children())[:-2])(torch.rand(2, channels, 28, 28))
    assert maps.shape == (2, 512, 4, 4)


def test_the_imagenet_stem_is_for_larger_images_or_as_asked() -> None:
    for built in (
        build_model("resnet18", num_classes=9, in_channels=1, image_size=128),
        build_model("resnet18", num_classes=9, in_channels=1, image_size=28, stem="imagenet"),
    ):
        convolution, pooling = first_layers(built.module)
        assert (convolution.in_channels, convolution.kernel_size, convolution.stride) == (1, (7, 7), (2, 2))
        assert isinstance(pooling, nn.MaxPool2d)
        assert built.notes[0].startswith("imagenet stem: ")


def test_the_small_stem_has_the_parameters_of_the_cifar_network() -> None:
    module = build_model("resnet18", num_classes=10, in_channels=3, image_size=32).module
    assert sum(p.numel() for p in module.parameters()) == 11_173_962
