from __future__ import annotations

import sys
from functools import cache
from typing import Any

import pytest
import torch
from torch import nn

from xaitui.catalog.models import PRETRAINEDMODELS
from xaitui.errors import UsageError
from xaitui.models.build import build_model
from xaitui.models.construct import construct
from xaitui.models.pretrainedmodels_library import import_pretrainedmodels
from xaitui.models.request import ModelRequest, Net

ENOUGH = 8
"""Networks that would survive less are refused below it all the same."""


@cache
def on_meta(name: str, channels: int = 3) -> Net:
    """The network without its numbers: shapes cost nothing, making it does, once for all tests."""
    with torch.device("meta"):
        return construct(ModelRequest(name, 5, channels, 64))


def forward(module: nn.Module, size: int) -> Any:
    """What a grey batch gives."""
    return module(torch.zeros(2, 1, size, size, device="meta"))


def test_the_catalog_has_all_of_the_librarys_names_and_sizes() -> None:
    library = import_pretrainedmodels()
    assert len(PRETRAINEDMODELS) == 45
    assert {f"pretrainedmodels:{name}" for name in library.model_names} == set(PRETRAINEDMODELS)
    for name, info in PRETRAINEDMODELS.items():
        settings = next(iter(library.pretrained_settings[name.partition(":")[2]].values()))
        assert settings["input_size"] == [3, info.pretrained_size, info.pretrained_size], name


@pytest.mark.parametrize("name", PRETRAINEDMODELS)
def test_each_takes_grey_images_from_its_smallest_size_on(name: str) -> None:
    info = PRETRAINEDMODELS[name]
    net = on_meta(name, channels=1)
    module = net.module
    assert forward(module.eval(), info.min_size).shape == (2, 5)
    assert forward(module.train(), info.pretrained_size).shape == (2, 5)
    if info.min_size > ENOUGH:
        with pytest.raises(RuntimeError):
            forward(module.eval(), info.min_size - 1)
    assert len(module.get_submodule(net.head).get_parameter("weight")) == 5
    assert not any(getattr(layer, "inplace", False) for layer in module.modules())


@pytest.mark.parametrize("name", PRETRAINEDMODELS)
def test_each_knows_its_weights(name: str) -> None:
    net = on_meta(name, channels=1)
    (file,) = net.weights
    assert len(file.sha256_prefix) >= 8
    assert file.sha256_prefix in file.name
    assert net.size == PRETRAINEDMODELS[name].pretrained_size
    assert len(net.mean) == len(net.std) == 3
    assert all(0 < value < 1 for value in (*net.mean, *net.std))


@pytest.mark.filterwarnings("ignore:.*deprecated since 0.13")
def test_a_network_of_the_library_is_what_it_was() -> None:
    """Adaptive pooling and activations of their own do not change what DenseNet computes at its own size."""
    reference = import_pretrainedmodels().densenet121(num_classes=1000, pretrained=None).eval()
    net = construct(ModelRequest("pretrainedmodels:densenet121", 1000, 3, 224))
    net.module.load_state_dict(reference.state_dict())
    x = torch.rand(1, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(net.module.eval()(x), reference(x))


def test_alexnet_takes_the_memory_layout_of_a_run() -> None:
    """The library's own view() refuses channels_last maps."""
    net = construct(ModelRequest("pretrainedmodels:alexnet", 5, 3, 64))
    module = net.module.to(memory_format=torch.channels_last)
    assert module(torch.rand(2, 3, 64, 64).to(memory_format=torch.channels_last)).shape == (2, 5)


def test_two_resnexts_share_nothing_and_follow_the_seed() -> None:
    """The library keeps one set of features for all the ResNeXts of a process."""

    def first() -> torch.Tensor:
        torch.manual_seed(0)
        net = construct(ModelRequest("pretrainedmodels:resnext101_32x4d", 5, 3, 32))
        return net.module.get_submodule(net.first_layer).get_parameter("weight")

    one, two = first(), first()
    assert one is not two
    assert torch.equal(one, two)
    assert one.std() > 0


def test_an_inception_trains_and_says_what_it_cannot_guarantee() -> None:
    built = build_model("pretrainedmodels:inceptionv3", num_classes=3, in_channels=1, image_size=75)
    assert built.notes == (
        "explanations: 0 activations are used more than once and 94 are functions, "
        "so methods that need a module for each cannot be used",
    )
    built.module.train()(torch.rand(2, 1, 75, 75)).sum().backward()
    assert not [key for key in built.module.state_dict() if "AuxLogits" in key]


def test_a_size_that_does_not_fit_is_refused_with_one_that_does() -> None:
    with pytest.raises(UsageError) as caught:
        build_model("pretrainedmodels:bninception", num_classes=3, in_channels=3, image_size=48)
    message = "pretrainedmodels:bninception cannot take images of 48 px: it was made for 224 px, add --image-size 224"
    assert str(caught.value).startswith(message)


def test_blue_comes_first_where_the_weights_say_so() -> None:
    net = on_meta("pretrainedmodels:bninception")
    assert net.bgr
    assert net.mean == (128 / 255, 117 / 255, 104 / 255)
    assert net.std == (1 / 255, 1 / 255, 1 / 255)


def test_timm_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(UsageError) as caught:
        build_model("timm:resnet18", num_classes=3, in_channels=3, image_size=32)
    assert str(caught.value) == "timm:resnet18 needs timm: pip install 'xaitui[timm]'"


def test_a_network_of_timm() -> None:
    pytest.importorskip("timm")
    built = build_model("timm:resnet18", num_classes=3, in_channels=1, image_size=32)
    assert built.module(torch.rand(2, 1, 32, 32)).shape == (2, 3)
