from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xaitui.models.activations import own_activations, watch_activations


class Careless(nn.Module):
    """Uses its activation twice, a functional one, and adds in place."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.second = nn.Linear(4, 4)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.first(x))
        x += F.leaky_relu(self.second(x), inplace=True)
        return cast("Tensor", self.act(x))


def test_what_is_wrong_is_seen() -> None:
    module = Careless().train()
    output, use = watch_activations(module, torch.rand(3, 4))
    assert output.shape == (3, 4)
    assert use.modules == ("act",)
    assert use.reused == ("act",)
    assert use.functional == 1
    assert set(use.in_place) == {"add_", "leaky_relu", "relu"}
    assert not use.clean
    assert module.training
    assert not module.act._forward_hooks
    assert not module.act._forward_pre_hooks


def test_a_shared_activation_becomes_one_for_each_place() -> None:
    shared = nn.LeakyReLU(0.3, inplace=True)
    module = nn.Sequential(nn.Linear(4, 4), shared, nn.Linear(4, 4), shared, nn.Dropout(0.5, inplace=True))
    x = torch.rand(3, 4)
    before = module.eval()(x)
    own_activations(module)
    assert module[1] is not module[3]
    assert [layer.negative_slope for layer in module if isinstance(layer, nn.LeakyReLU)] == [0.3, 0.3]
    assert not any(getattr(layer, "inplace", False) for layer in module)
    output, use = watch_activations(module, x)
    torch.testing.assert_close(output, before, rtol=0, atol=0)
    assert use.modules == ("1", "3")
    assert use.clean
    assert use.in_place == ()


def test_an_activation_with_weights_stays_shared() -> None:
    shared = nn.PReLU()
    module = nn.Sequential(nn.Linear(4, 4), shared, nn.Linear(4, 4), shared)
    own_activations(module)
    assert module[1] is module[3]


def test_a_failure_leaves_no_hook_behind() -> None:
    module = nn.Sequential(nn.ReLU(), nn.Linear(4, 4))
    try:
        watch_activations(module, torch.rand(3, 5))
    except RuntimeError:
        pass
    else:
        raise AssertionError("the sample does not fit")
    assert not module[0]._forward_hooks
    assert not module[0]._forward_pre_hooks
