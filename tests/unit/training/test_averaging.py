from __future__ import annotations

import io

import pytest
import torch
from torch import nn

from xaitui.training.averaging import WeightAverage


def make_module() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def train_step(module: nn.Module, seed: int) -> None:
    images = torch.randn(8, 3, generator=torch.Generator().manual_seed(seed))
    module.train()
    torch.autograd.backward(module(images).square().mean())
    with torch.no_grad():
        for parameter in module.parameters():
            assert parameter.grad is not None
            parameter.sub_(0.1 * parameter.grad)
            parameter.grad = None


@pytest.mark.parametrize("decay", [0.2, 0.999])
def test_weights_and_statistics_follow_the_formula_with_a_decay_that_warms_up(decay: float) -> None:
    module = make_module()
    average = WeightAverage(module, decay)
    expected: dict[str, torch.Tensor] = {}
    for update in range(12):
        train_step(module, update)
        average.update(module)
        now = min(decay, (1 + update) / (10 + update)) if update else 0.0
        for name, value in module.state_dict().items():
            past = expected.get(name, value)
            expected[name] = now * past + (1 - now) * value if value.is_floating_point() else value.clone()
    assert average.updates == 12
    torch.testing.assert_close(dict(average.module.state_dict()), expected)
    assert average.module.get_buffer("1.num_batches_tracked") == 12


def test_average_is_apart_from_the_module() -> None:
    module = make_module()
    average = WeightAverage(module, 0.9)
    average.update(module)
    before = {name: value.clone() for name, value in average.module.state_dict().items()}
    train_step(module, 0)
    torch.testing.assert_close(dict(average.module.state_dict()), before, rtol=0, atol=0)


def test_goes_on_bit_for_bit_from_its_state() -> None:
    module = make_module()
    average = WeightAverage(module, 0.999)
    for step in range(5):
        train_step(module, step)
        average.update(module)
    file = io.BytesIO()
    torch.save(average.state_dict(), file)
    file.seek(0)
    resumed = WeightAverage(make_module(), 0.999)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    for step in range(5, 9):
        train_step(module, step)
        average.update(module)
        resumed.update(module)
    assert resumed.updates == 9
    expected = dict(average.module.state_dict())
    torch.testing.assert_close(dict(resumed.module.state_dict()), expected, rtol=0, atol=0)
