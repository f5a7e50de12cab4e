"""Each optimizer of the catalog moves weights on a GPU as it does on a processor, and goes on exactly from a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from xaitui.catalog.optimizers import OPTIMIZERS
from xaitui.training.checkpoint import load_checkpoint, save_checkpoint
from xaitui.training.numerics import FiniteGuard
from xaitui.training.optim import allocate_state, build_optimizer

pytestmark = pytest.mark.cuda

STEPS = 3
CLOSE = {"muon": 6e-4}
"""Absolute, of steps with the catalog's rate; muon orthogonalises in bfloat16, and moves weights by 0.002 a step."""


def network(device: str) -> nn.Module:
    """The same weights on each device."""
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.Flatten(), nn.Linear(128, 10)
    return nn.Sequential(*layers).to(device).to(memory_format=torch.channels_last)


def gradients(module: nn.Module) -> Iterator[list[Tensor]]:
    """The same for each device, of some steps."""
    draw = torch.Generator().manual_seed(1)
    for _ in range(STEPS):
        yield [torch.randn(weight.shape, generator=draw) for weight in module.parameters()]


class Trained:
    """A network and its optimizer as a run has them on a device."""

    def __init__(self, name: str, device: str) -> None:
        self.network = network(device)
        self.optimizer = build_optimizer(self.network, name, {"weight_decay": 0.01, "momentum": 0.9}, fused=True)
        allocate_state(self.optimizer)
        self._guard = FiniteGuard(torch.device(device), self.optimizer)
        self._loss = torch.zeros((), device=device)

    def step(self, gradient: list[Tensor]) -> None:
        for weight, values in zip(self.network.parameters(), gradient, strict=True):
            weight.grad = values.to(weight.device).contiguous(memory_format=memory_format(weight))
        self._guard.watch(self._loss, 1)
        self.optimizer.step()

    @property
    def weights(self) -> list[Tensor]:
        return [weight.detach().cpu().clone() for weight in self.network.parameters()]


def memory_format(weight: Tensor) -> torch.memory_format:
    return torch.channels_last if weight.ndim == 4 else torch.contiguous_format


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_moves_weights_as_on_a_processor(name: str, device: str) -> None:
    there, here = Trained(name, device), Trained(name, "cpu")
    begun = here.weights
    for gradient in gradients(here.network):
        there.step(gradient)
        here.step(gradient)
        for moved, expected in zip(there.weights, here.weights, strict=True):
            torch.testing.assert_close(moved, expected, rtol=1e-5, atol=CLOSE.get(name, 1e-6))
    assert not any(torch.equal(*pair) for pair in zip(begun, here.weights, strict=True))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_goes_on_exactly_from_a_file(name: str, device: str, tmp_path: Path) -> None:
    whole, cut = Trained(name, device), Trained(name, device)
    *before, last = gradients(whole.network)
    for gradient in before:
        whole.step(gradient)
        cut.step(gradient)
    state = {"network": cut.network.state_dict(), "optimizer": cut.optimizer.state_dict()}
    save_checkpoint(tmp_path / "state.pt", state)
    kept = load_checkpoint(tmp_path / "state.pt")
    again = Trained(name, device)
    again.network.load_state_dict(kept["network"])
    again.optimizer.load_state_dict(kept["optimizer"])
    for each in (whole, again):
        each.step(last)
    for moved, expected in zip(again.weights, whole.weights, strict=True):
        assert torch.equal(moved, expected)
