"""Builds the optimizer that a name of the catalog stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from xaitui.catalog.optimizers import OPTIMIZERS
from xaitui.errors import UsageError, nearest
from xaitui.training.muon import MuonWithAdamW, split_parameters

_TORCH: Mapping[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "sgd-nesterov": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
    "adadelta": torch.optim.Adadelta,
    "adamax": torch.optim.Adamax,
}

_FUSED = ("sgd", "sgd-nesterov", "adam", "adamw")
"""Optimizers with a fused kernel in torch on both CPU and GPU; the others use torch's default, batched on a GPU."""


def build_optimizer(
    module: nn.Module, name: str, settings: Mapping[str, Any], *, fused: bool | None
) -> torch.optim.Optimizer:
    """Build the optimizer `name` over the parameters of `module` that require a gradient.

    Only the `settings` of this kind are used; missing ones have the catalog's default. `fused` selects torch's fused
    implementation if there is one; None leaves the choice to torch. Build it after the module has its device and memory
    layout. Raises UsageError for an unknown name and for a module without trainable parameters.
    """
    info = OPTIMIZERS.get(name)
    if info is None:
        raise UsageError(f"there is no optimizer {name!r}{nearest(name, OPTIMIZERS)}")
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if not parameters:
        raise UsageError("the model has no parameter to train; unfreeze some of it")
    arguments = {key: settings.get(key, default) for key, default in info.settings.items()}
    if "beta1" in arguments:
        arguments["betas"] = (arguments.pop("beta1"), arguments.pop("beta2"))
    if name == "muon":
        return MuonWithAdamW(*split_parameters(module), fused=fused, **arguments)
    if name == "sgd-nesterov":
        # Nesterov's form is undefined without momentum, and equals plain descent there.
        arguments["nesterov"] = arguments["momentum"] > 0
    if name in _FUSED:
        arguments["fused"] = fused
    return _TORCH[name](parameters, **arguments)


def allocate_state(optimizer: torch.optim.Optimizer) -> None:
    """Allocate the state of a new optimizer before its first step, without changing weights or later steps.

    The optimizer takes a step with zero gradients and a zero rate. Its state is then reset to its initial values: zeros
    except the running product of NAdam's momentum, which is one.
    """
    rates = [group["lr"] for group in optimizer.param_groups]
    set_rate(optimizer, 0.0)
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    for part in optimizer.parts if isinstance(optimizer, MuonWithAdamW) else (optimizer,):
        for state in part.state.values():
            for name, value in state.items():
                if isinstance(value, torch.Tensor):
                    value.fill_(1.0 if name == "mu_product" else 0.0)
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of the next step, in every parameter group."""
    for group in optimizer.param_groups:
        group["lr"] = rate
