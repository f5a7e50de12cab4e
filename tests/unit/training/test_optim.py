from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from xaitui.catalog.optimizers import OPTIMIZERS
from xaitui.errors import ExitCode, UsageError
from xaitui.training.muon import MuonWithAdamW, hidden_weights, matrix_view
from xaitui.training.optim import allocate_state, build_optimizer, set_rate


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Matrices this small cost more to share among threads than to multiply."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def make_module() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Conv2d(6, 6, 3, groups=6),
        nn.Conv2d(6, 8, 1),
        nn.Flatten(),
        nn.Linear(8 * 4 * 4, 16),
        nn.ReLU(),
        nn.Linear(16, 3),
    )


def images_and_labels() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    labels = torch.arange(24) % 3
    images = torch.rand(24, 1, 8, 8, generator=generator) * 0.5
    images[torch.arange(24), 0, labels * 2] += 0.5
    return images, labels


def train(module: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> float:
    """Take steps; return the loss before the last one."""
    images, labels = images_and_labels()
    value = torch.tensor(torch.nan)
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        value = F.cross_entropy(module(images), labels)
        torch.autograd.backward(value)
        optimizer.step()
    return value.item()


def weights(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in module.named_parameters()}


def through_a_file(state: dict[str, Any]) -> Any:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@pytest.mark.parametrize("fused", [None, True])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_state_that_is_made_beforehand_changes_no_bit(name: str, momentum: float, fused: bool | None) -> None:
    settings: dict[str, Any] = {"weight_decay": 0.1}
    if "momentum" in OPTIMIZERS[name].settings:
        settings["momentum"] = momentum
    modules = [make_module(), make_module()]
    optimizers = [build_optimizer(module, name, settings, fused=fused) for module in modules]
    before = weights(modules[0])
    allocate_state(optimizers[0])
    assert all(torch.equal(tensor, before[key]) for key, tensor in weights(modules[0]).items())
    assert optimizers[0].param_groups[0]["lr"] == optimizers[1].param_groups[0]["lr"] > 0
    for module, optimizer in zip(modules, optimizers, strict=True):
        train(module, optimizer, 3)
    one, other = map(weights, modules)
    assert all(torch.equal(tensor, other[key]) for key, tensor in one.items())


def test_state_that_is_made_beforehand_is_there() -> None:
    optimizer = build_optimizer(make_module(), "adam", {}, fused=True)
    allocate_state(optimizer)
    assert all({"exp_avg", "exp_avg_sq"} <= set(state) for state in optimizer.state.values())
    assert len(optimizer.state) == len(optimizer.param_groups[0]["params"])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_defaults_lower_the_loss(name: str) -> None:
    assert len(OPTIMIZERS) == 11
    module = make_module()
    optimizer = build_optimizer(module, name, {}, fused=None)
    first = train(module, optimizer, 1)
    assert train(module, optimizer, 100) < 0.9 * first


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_asking_for_fused_steps_changes_none(name: str) -> None:
    plain, fast = make_module(), make_module()
    train(fast, build_optimizer(fast, name, {}, fused=True), 2)
    train(plain, build_optimizer(plain, name, {}, fused=False), 2)
    torch.testing.assert_close(weights(fast), weights(plain), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["sgd", "sgd-nesterov", "adam", "adamw"])
def test_fused_is_taken_where_torch_has_it(name: str) -> None:
    (group,) = build_optimizer(make_module(), name, {}, fused=True).param_groups
    assert group["fused"] is True


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_goes_on_bit_for_bit_from_its_state(name: str) -> None:
    module, resumed = make_module(), make_module()
    optimizer = build_optimizer(module, name, {"weight_decay": 0.01}, fused=None)
    set_rate(optimizer, 0.005)
    train(module, optimizer, 4)
    resumed.load_state_dict(through_a_file(module.state_dict()))
    again = build_optimizer(resumed, name, {}, fused=None)
    again.load_state_dict(through_a_file(optimizer.state_dict()))
    assert [group["lr"] for group in again.param_groups] == [group["lr"] for group in optimizer.param_groups]
    train(module, optimizer, 4)
    train(resumed, again, 4)
    torch.testing.assert_close(weights(resumed), weights(module), rtol=0, atol=0)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_frozen_parameters_stay_and_are_not_held(name: str) -> None:
    module = make_module()
    module[0].requires_grad_(False)
    optimizer = build_optimizer(module, name, {"weight_decay": 0.1}, fused=None)
    held = [id(parameter) for group in optimizer.param_groups for parameter in group["params"]]
    assert sorted(held) == sorted(id(parameter) for parameter in module.parameters() if parameter.requires_grad)
    before = weights(module)
    train(module, optimizer, 2)
    changed = {name for name, value in weights(module).items() if not torch.equal(value, before[name])}
    assert changed == {name for name, parameter in module.named_parameters() if parameter.requires_grad}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_rate_of_zero_changes_nothing(name: str) -> None:
    module = make_module()
    optimizer = build_optimizer(module, name, {}, fused=None)
    set_rate(optimizer, 0.0)
    assert all(group["lr"] == 0.0 for group in optimizer.param_groups)
    before = weights(module)
    train(module, optimizer, 2)
    torch.testing.assert_close(weights(module), before, rtol=0, atol=0)


@pytest.mark.parametrize("name", sorted(OPTIMIZERS.keys() - {"muon"}))
def test_every_setting_reaches_torch_and_others_are_left_aside(name: str) -> None:
    wanted = {"lr": 0.25, "weight_decay": 0.125, "momentum": 0.5, "beta1": 0.6, "beta2": 0.7, "unknown": 1.0}
    (group,) = build_optimizer(make_module(), name, wanted, fused=None).param_groups
    applies = OPTIMIZERS[name].settings
    assert {key: group[key] for key in ("lr", "weight_decay")} == {"lr": 0.25, "weight_decay": 0.125}
    assert "momentum" not in applies or group["momentum"] == 0.5
    assert ("betas" in group) == ("beta1" in applies)
    assert "beta1" not in applies or group["betas"] == (0.6, 0.7)
    assert group.get("nesterov", False) == (name == "sgd-nesterov")


def test_nesterov_without_momentum_is_plain_descent() -> None:
    (group,) = build_optimizer(make_module(), "sgd-nesterov", {"momentum": 0.0}, fused=None).param_groups
    assert group["nesterov"] is False


def test_unknown_name_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"there is no optimizer 'adamv'; did you mean 'adam'\?") as raised:
        build_optimizer(make_module(), "adamv", {}, fused=None)
    assert raised.value.exit_code is ExitCode.USAGE


def test_module_without_trainable_parameters_is_refused() -> None:
    with pytest.raises(UsageError, match="the model has no parameter to train; unfreeze some of it"):
        build_optimizer(make_module().requires_grad_(False), "adam", {}, fused=None)


def test_muon_takes_hidden_weights_and_leaves_head_vectors_and_grouped_kernels_to_adamw() -> None:
    module = make_module()
    assert [tuple(weight.shape) for weight in hidden_weights(module)] == [(6, 1, 3, 3), (8, 6, 1, 1), (16, 128)]
    optimizer = build_optimizer(module, "muon", {}, fused=None)
    assert [len(group["params"]) for group in optimizer.param_groups] == [3, 8]


def test_muon_is_refused_where_only_the_head_is_trained() -> None:
    module = make_module()
    module[:-1].requires_grad_(False)
    with pytest.raises(UsageError, match=r"muon needs hidden layers to train and a head; .* choose adamw"):
        build_optimizer(module, "muon", {}, fused=None)


def test_muon_settings_reach_both_parts() -> None:
    wanted = {"lr": 0.25, "weight_decay": 0.125, "momentum": 0.5, "beta1": 0.6, "beta2": 0.7}
    optimizer = build_optimizer(make_module(), "muon", wanted, fused=None)
    muon, adamw = (part["param_groups"][0] for part in optimizer.state_dict().values())
    assert (muon["lr"], muon["weight_decay"], muon["momentum"]) == (0.25, 0.125, 0.5)
    assert (adamw["lr"], adamw["weight_decay"], adamw["betas"]) == (0.25, 0.125, (0.6, 0.7))


def test_muon_on_a_kernel_is_torchs_muon_on_its_matrix() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.Flatten(), nn.LazyLinear(2))
    images = torch.rand(5, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    module(images)
    kernel = module[0].get_parameter("weight")
    matrix = nn.Parameter(kernel.detach().clone().flatten(1))
    ours = build_optimizer(module, "muon", {"lr": 0.001}, fused=None)
    theirs = torch.optim.Muon([matrix], lr=0.001, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
    for _ in range(3):
        ours.zero_grad()
        torch.autograd.backward(module(images).square().sum())
        assert kernel.grad is not None
        matrix.grad = kernel.grad.clone().flatten(1)
        ours.step()
        theirs.step()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(kernel.detach().flatten(1), matrix.detach(), rtol=0, atol=0)


def test_muon_moves_kernels_the_same_way_in_either_memory_layout() -> None:
    first, last = make_module(), make_module().to(memory_format=torch.channels_last)
    before = weights(first)
    for module in (first, last):
        train(module, build_optimizer(module, "muon", {"lr": 0.01}, fused=None), 3)
    moved = first[4].get_parameter("weight") - before["4.weight"]
    other = last[4].get_parameter("weight") - before["4.weight"]
    # Newton-Schulz runs in bfloat16, where another order of additions shows in the second digit.
    assert F.cosine_similarity(moved.flatten(), other.flatten(), dim=0) > 0.99


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_matrix_view_shares_the_storage(layout: torch.memory_format) -> None:
    weight = torch.randn(4, 3, 2, 2).to(memory_format=layout)
    view = matrix_view(weight)
    assert view.shape == (4, 12)
    assert view.data_ptr() == weight.data_ptr()
    view.zero_()
    assert not weight.any()


def test_muon_steps_through_a_gradient_scaler_and_a_closure() -> None:
    module = make_module()
    optimizer = build_optimizer(module, "muon", {}, fused=None)
    assert isinstance(optimizer, MuonWithAdamW)
    images, labels = images_and_labels()
    scaler = torch.amp.GradScaler("cpu")
    torch.autograd.backward(scaler.scale(F.cross_entropy(module(images), labels)))
    before = weights(module)
    scaler.step(optimizer)
    assert not torch.equal(weights(module)["0.weight"], before["0.weight"])
    assert optimizer.step(lambda: 0.5) == 0.5
