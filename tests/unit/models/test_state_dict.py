from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from xaitui.errors import DataError, ExitCode
from xaitui.models import state_dict
from xaitui.models.construct import construct
from xaitui.models.pretrainedmodels_library import import_pretrainedmodels
from xaitui.models.request import ModelRequest, Net

FILE = Path("weights.pth")


def fill(target: Net, state: Mapping[str, Tensor], path: Path) -> tuple[str, ...]:
    """Fill a network from a file that is one state dict."""
    return state_dict.fill(target, {"": state}, path).anew


def net(name: str, classes: int = 10, *, stem: str = "imagenet") -> Net:
    return construct(ModelRequest(name, classes, 3, 64, stem=stem))


def counted(shapes: dict[str, Tensor]) -> dict[str, Tensor]:
    """A state dict in which each tensor has a number of its own."""
    return {key: torch.tensor(n, dtype=like.dtype).expand(like.shape) for n, (key, like) in enumerate(shapes.items())}


def renamed(state: dict[str, Tensor], old: str, new: str) -> dict[str, Tensor]:
    return {new + key.removeprefix(old) if key.startswith(old) else key: value for key, value in state.items()}


def is_filled(filled: Net, state: dict[str, Tensor], *, but: tuple[str, ...] = ()) -> bool:
    return all(
        torch.equal(tensor, state[key])
        for key, tensor in filled.module.state_dict().items()
        if not key.startswith(but or ("nothing",))
    )


@pytest.mark.parametrize(
    ("name", "ours", "theirs"),
    [("xception", "last_linear.", "fc."), ("resnet18", "fc.", "last_linear.")],
)
def test_both_spellings_of_the_head_load(name: str, ours: str, theirs: str) -> None:
    wanted = net(name)
    state = counted(wanted.module.state_dict())
    for given in (state, renamed(state, ours, theirs)):
        target = net(name)
        assert fill(target, given, FILE) == ()
        assert is_filled(target, state)


def test_old_files_load_with_2d_pointwise_kernels_and_without_counters() -> None:
    target = net("xception")
    state = counted(target.module.state_dict())
    old = {
        key: tensor[:, :, 0, 0] if "pointwise" in key else tensor
        for key, tensor in renamed(state, "last_linear.", "fc.").items()
        if not key.endswith("num_batches_tracked")
    }
    assert sum(tensor.dim() == 2 for tensor in old.values()) > 30
    fill(target, old, FILE)
    assert is_filled(target, state | {key: torch.tensor(0) for key in state if key.endswith("num_batches_tracked")})


@pytest.mark.parametrize("name", ["alexnet", "vgg11", "densenet121", "squeezenet1_1", "resnet18", "inceptionv3"])
def test_torchvisions_published_keys_load_into_pretrainedmodels_networks(name: str) -> None:
    """The library finishes torchvision's networks under other names; its files have torchvision's."""
    import torchvision

    options = {"init_weights": False} if name == "inceptionv3" else {}
    published = {"inceptionv3": "inception_v3"}.get(name, name)
    with torch.device("meta"):
        shapes = torchvision.models.get_model(published, weights=None, **options).state_dict()
    target = net(f"pretrainedmodels:{name}", 1000)
    given = counted(shapes)
    assert fill(target, given, FILE) == ()
    numbers = [tensor.flatten()[0].item() for tensor in target.module.state_dict().values()]
    assert numbers == [n for n, key in enumerate(shapes) if not key.startswith("AuxLogits")]


def test_the_old_names_of_densenet_load() -> None:
    target = net("pretrainedmodels:densenet121", 1000)
    state = counted(target.module.state_dict())
    old = dict(state)
    for part in ("norm", "conv"):
        for index in "12":
            old = {
                key.replace(f".{part}{index}.", f".{part}.{index}.") if ".denselayer" in key else key: tensor
                for key, tensor in old.items()
            }
    assert old.keys() != state.keys()
    fill(target, old, FILE)
    assert is_filled(target, state)


def test_a_head_of_other_classes_stays_fresh_and_is_named() -> None:
    torch.manual_seed(0)
    target = net("resnet18", 7)
    fresh = target.module.get_submodule("fc").get_parameter("weight").clone()
    state = counted(net("resnet18", 1000).module.state_dict())
    assert fill(target, state, FILE) == ("fc",)
    assert torch.equal(target.module.get_submodule("fc").get_parameter("weight"), fresh)
    assert is_filled(target, state, but=("fc.",))


def test_a_small_stem_stays_fresh_and_is_named() -> None:
    target = net("resnet18", stem="small")
    state = counted(net("resnet18").module.state_dict())
    assert fill(target, state, FILE) == ("conv1",)
    assert is_filled(target, state, but=("conv1.",))


def test_the_first_kernels_are_turned_where_the_weights_take_blue_first() -> None:
    target = net("pretrainedmodels:bninception")
    state = {key: torch.rand(like.shape).to(like.dtype) for key, like in target.module.state_dict().items()}
    fill(target, state, FILE)
    first = target.module.get_submodule(target.first_layer).get_parameter("weight")
    assert torch.equal(first, state[f"{target.first_layer}.weight"].flip(1))


@pytest.mark.parametrize(
    ("theirs", "message"),
    [
        ("resnet34", "layer1.2.conv1.weight is not a layer of this model"),
        ("resnet50", "layer1.0.conv1.weight is 64x64x1x1 and should be 64x64x3x3"),
        ("xception", "conv1.weight is 32x3x3x3 and should be 64x3x7x7"),
        ("alexnet", "conv1.weight is missing"),
    ],
)
def test_the_weights_of_another_model_are_refused_in_one_line(theirs: str, message: str) -> None:
    target = net("resnet18")
    before = {key: tensor.clone() for key, tensor in target.module.state_dict().items()}
    with pytest.raises(DataError) as caught:
        fill(target, net(theirs).module.state_dict(), FILE)
    assert str(caught.value).startswith("the weights file weights.pth is for another model: ")
    assert f" tensors do not match: {message}" in str(caught.value)
    assert caught.value.exit_code is ExitCode.DATA
    assert is_filled(target, before)


def test_the_library_itself_would_load_what_we_load() -> None:
    """Our network and the library's take the same finished state dict, key by key."""
    library = import_pretrainedmodels()
    with torch.device("meta"):
        theirs = library.se_resnet50(num_classes=1000, pretrained=None).state_dict()
    target = net("pretrainedmodels:se_resnet50", 1000)
    assert list(target.module.state_dict()) == list(theirs)
