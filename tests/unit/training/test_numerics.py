from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import nn

from xaitui.config.resolve import build_config
from xaitui.errors import DivergedError, UsageError
from xaitui.training.device import ChosenDevice
from xaitui.training.numerics import FiniteGuard
from xaitui.training.resolve import Resolved, adapted, differences, resolve_machine

CPU = ChosenDevice(torch.device("cpu"), "processor", "asked for")


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_names_its_step(loss: float) -> None:
    model = nn.Linear(2, 2)
    guard = FiniteGuard(torch.device("cpu"), torch.optim.Adam(model.parameters()))
    guard.watch(torch.tensor(1.0), 6)
    with pytest.raises(DivergedError, match="the loss of step 7 is not finite"):
        guard.watch(torch.tensor(loss), 7)


@pytest.mark.parametrize(
    ("fused", "broken", "said"),
    [
        (True, "loss", "the loss of step 3 is not finite"),
        (True, "gradient", "the weights are not finite any more after step 3"),
        (False, "loss", "the loss of step 3 is not finite"),
        (False, "gradient", "the loss of step 4 is not finite"),  # which its own update may have poisoned as well
    ],
)
def test_a_flag_that_is_read_late_names_the_step_still(fused: bool, broken: str, said: str) -> None:
    """As on a GPU, where the loss of each step stays on the device, and fused optimizers skip what follows it."""
    model, inputs, kept = nn.Linear(2, 1), torch.ones(3, 2), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, fused=fused)
    guard = FiniteGuard(torch.device("cpu"), optimizer, immediate=False)
    for step in range(1, 7):
        optimizer.zero_grad()
        loss = model(inputs).square().mean() * (math.nan if (broken, step) == ("loss", 3) else 1)
        torch.autograd.backward(loss)
        if (broken, step) == ("gradient", 3):
            model.weight.grad = torch.full_like(model.weight, math.inf)
        guard.watch(loss.detach(), step)
        optimizer.step()
        kept.append(model.weight.detach().clone())
    with pytest.raises(DivergedError, match=said):
        guard.check()
    if (fused, broken) == (True, "loss"):
        assert torch.equal(kept[-1], kept[1])


@pytest.mark.parametrize("name", ["Adam", "AdamW", "SGD"])
def test_the_flag_of_a_fused_optimizer_is_in_nobodys_way_in_float16(name: str) -> None:
    """As on a GPU, where the gradient scaler hands its scale and its own flag to the optimizer."""
    model, scaler = nn.Linear(2, 1), torch.amp.GradScaler("cpu", init_scale=4.0)
    optimizer = getattr(torch.optim, name)(model.parameters(), lr=0.1, fused=True)
    guard, kept = FiniteGuard(torch.device("cpu"), optimizer, immediate=False), [model.weight.detach().clone()]
    for step, factor in enumerate((1.0, math.inf, 1.0), start=1):
        optimizer.zero_grad()
        loss = model(torch.ones(3, 2)).square().mean()
        torch.autograd.backward(scaler.scale(loss))
        assert model.weight.grad is not None
        model.weight.grad *= factor
        guard.watch(loss.detach(), step)
        scaler.step(optimizer)
        scaler.update()
        kept.append(model.weight.detach().clone())
    guard.check_all(model, 3)
    assert [torch.equal(*pair) for pair in itertools.pairwise(kept)] == [False, True, False]
    assert scaler.get_scale() == 2.0


def test_poisoned_weights_are_not_saved() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    guard = FiniteGuard(torch.device("cpu"), torch.optim.SGD(model.parameters()))
    guard.check_all(model, 3)
    with torch.no_grad():
        model[1].running_mean[0] = math.nan  # type: ignore[operator]
    with pytest.raises(DivergedError, match="running statistics of the model are not finite any more after step 3"):
        guard.check_all(model, 3)


def test_what_the_machine_chose_survives_the_file() -> None:
    resolved = resolve_machine(build_config({"training.threads": 3}), CPU, 1000)
    assert Resolved.from_table(resolved.table()) == resolved
    assert (resolved.threads, resolved.reasons["threads"]) == (3, "asked for")
    assert differences(resolved, CPU) == []
    with pytest.raises(UsageError, match="lacks or does not know 'extra'"):
        Resolved.from_table({**resolved.table(), "extra": 1})


def test_another_device_is_a_difference_and_is_adapted_to() -> None:
    resolved = resolve_machine(build_config({}), CPU, 1000)
    gpu = ChosenDevice(torch.device("cuda", 0), "H200", "asked for")
    assert differences(resolved, gpu) == ["the run was made on cpu, this is cuda"]
    there = adapted(resolved, gpu)
    assert (there.device, there.device_name, there.fused, there.threads) == ("cuda", "H200", True, resolved.threads)


def test_half_precision_needs_a_gpu() -> None:
    with pytest.raises(UsageError, match="bfloat16"):
        resolve_machine(build_config({"training.precision": "float16"}), CPU, 10)
