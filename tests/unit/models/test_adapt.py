from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from xaitui.errors import UsageError
from xaitui.models.adapt import GreyConv2d, replace_first_layer, replace_head, take_grey, train_only

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def network(bias: bool = False) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=bias),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 5),
        nn.BatchNorm1d(5),
        nn.Linear(5, 2),
    ).eval()


def normalised(image: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    return (image - torch.tensor(mean).view(1, -1, 1, 1)) / torch.tensor(std).view(1, -1, 1, 1)


value = st.floats(0.1, 0.9)
three = st.tuples(value, value, value)


@settings(deadline=None, max_examples=25)
@given(
    mean=st.one_of(three, value.map(lambda v: (v, v, v))),
    std=st.one_of(three, st.just((0.5, 0.5, 0.5))),
    bias=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_grey_is_exactly_the_repeated_image(
    mean: tuple[float, ...], std: tuple[float, ...], bias: bool, seed: int
) -> None:
    torch.manual_seed(seed)
    rgb = network(bias)
    image = torch.rand(2, 1, 9, 9)
    expected = rgb(normalised(image.expand(-1, 3, -1, -1), mean, std))
    grey = copy.deepcopy(rgb)
    if take_grey(grey, "0", mean, std):
        assert len(set(mean)) == len(set(std)) == 1
        assert grey.state_dict()["0.weight"].shape == (4, 1, 3, 3)
        result = grey(normalised(image, mean[:1], std[:1]))
    else:
        assert isinstance(grey[0], GreyConv2d)
        result = grey(image)
    torch.testing.assert_close(result, expected, rtol=1e-5, atol=1e-5)
    assert list(grey.state_dict()) == list(rgb.state_dict())


def test_summing_would_not_be_exact_for_unequal_normalisation() -> None:
    """The reason for GreyConv2d: the border differs."""
    torch.manual_seed(0)
    rgb, (mean, std) = network(), IMAGENET
    image = torch.rand(2, 1, 9, 9)
    summed = copy.deepcopy(rgb)
    take_grey(summed, "0", (0.449,), (0.226,))
    expected = rgb(normalised(image.expand(-1, 3, -1, -1), mean, std))
    assert (summed(normalised(image, (0.449,), (0.226,))) - expected).abs().max() > 1e-3


def test_taking_grey_draws_nothing() -> None:
    before = torch.get_rng_state()
    rgb = network()
    state = torch.get_rng_state()
    take_grey(copy.deepcopy(rgb), "0", *IMAGENET)
    take_grey(copy.deepcopy(rgb), "0", (0.5,), (0.5,))
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(before, state)


def test_a_first_layer_that_is_not_plain_is_refused() -> None:
    with pytest.raises(UsageError, match="the first layer, Sequential '0', cannot be fitted"):
        take_grey(nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 3))), "0", (0.5,), (0.5,))


def test_the_first_layer_takes_other_channels_with_fresh_weights() -> None:
    module = network()
    kept = module[0]
    replace_first_layer(module, "0", 3)
    assert module[0] is kept
    replace_first_layer(module, "0", 2)
    assert module(torch.rand(1, 2, 9, 9)).shape == (1, 2)
    assert module[0].stride == (2, 2)
    assert module[0].bias is None


def test_the_head_takes_other_classes() -> None:
    module = network()
    kept = module[-1]
    replace_head(module, "7", 2)
    assert module[-1] is kept
    replace_head(module, "7", 9)
    assert module(torch.rand(1, 3, 9, 9)).shape == (1, 9)
    convolution = nn.Sequential(nn.Conv2d(4, 1000, 1))
    replace_head(convolution, "0", 6)
    assert convolution(torch.rand(1, 4, 1, 1)).shape == (1, 6, 1, 1)


@pytest.mark.parametrize(
    ("trained", "learns"),
    [(("5", "6", "7"), {"5", "6", "7"}), (("7",), {"7"})],
    ids=["head", "linear-probe"],
)
def test_what_is_frozen_stays_bit_for_bit(trained: tuple[str, ...], learns: set[str]) -> None:
    torch.manual_seed(0)
    module = network()
    train_only(module, trained)
    before = copy.deepcopy(module.state_dict())
    module.train()
    optimizer = torch.optim.SGD([p for p in module.parameters() if p.requires_grad], lr=0.5)
    for _ in range(3):
        optimizer.zero_grad()
        module(torch.rand(4, 3, 9, 9)).square().sum().backward()
        optimizer.step()
    changed = {
        key.partition(".")[0] for key, tensor in module.state_dict().items() if not torch.equal(tensor, before[key])
    }
    assert changed == learns
    assert all(p.grad is None for name, p in module.named_parameters() if name.partition(".")[0] not in learns)


def test_a_frozen_batch_norm_cannot_be_woken_not_even_as_a_copy() -> None:
    module = network()
    train_only(module, ("7",))
    for each in (module, copy.deepcopy(module)):
        each.train()
        assert each.training
        assert not each[1].training
        assert not each[6].training
        assert isinstance(each[1], nn.BatchNorm2d)
        each[7].train()
        assert each[7].training
    assert list(module.state_dict()) == list(network().state_dict())
