"""Separate, out-of-place activation modules, as DeepLIFT, guided backpropagation and hooks require."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

ACTIVATIONS: tuple[type[nn.Module], ...] = (
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.ELU,
    nn.SELU,
    nn.CELU,
    nn.GELU,
    nn.SiLU,
    nn.Mish,
    nn.Hardswish,
    nn.Hardsigmoid,
    nn.Hardtanh,
    nn.Sigmoid,
    nn.Tanh,
    nn.Softplus,
)
"""Activations without weights; those with weights may be shared on purpose."""

_FUNCTIONAL = {name for kind in ACTIVATIONS for name in (kind.__name__.lower(), f"{kind.__name__.lower()}_")}
_FUNCTIONAL |= {"leaky_relu", "leaky_relu_"}


def own_activations(module: nn.Module) -> None:
    """Replace shared activations by copies, and make all layers out-of-place.

    A network that calls one and the same place twice is left as it is: only its own code can change that.
    """
    for parent in list(module.modules()):
        for name, child in list(parent._modules.items()):  # named_children() hides a module's second place
            if isinstance(child, ACTIVATIONS):
                setattr(parent, name, copy.deepcopy(child))
    for layer in module.modules():
        if getattr(layer, "inplace", False):
            layer.inplace = False  # type: ignore[assignment]


@dataclass(frozen=True)
class ActivationUse:
    """Use of activations in a forward pass."""

    modules: tuple[str, ...]
    """Paths of the activations that were called."""
    reused: tuple[str, ...]
    """Paths of those that were called more than once."""
    functional: int
    """Calls of an activation function outside of any activation module."""
    in_place: tuple[str, ...]
    """Names of the tensor operations that changed a tensor in place."""

    @property
    def clean(self) -> bool:
        """Whether each activation is its own module."""
        return not self.reused and not self.functional


class _Watch(TorchFunctionMode):
    """Counts the calls of activation functions and of in-place operations."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = 0
        """Number of activation modules being called at the moment."""
        self.functional = 0
        self.in_place: set[str] = set()

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name = getattr(func, "__name__", "")
        if name in _FUNCTIONAL and not self.inside:
            self.functional += 1
        if _is_in_place(name, kwargs or {}):
            self.in_place.add(name)
        return func(*args, **(kwargs or {}))


def _is_in_place(name: str, kwargs: Mapping[str, Any]) -> bool:
    """Whether a torch function of this name writes into its input: ``add_``, ``__iadd__``, ``relu(inplace=True)``."""
    if name.startswith("__"):
        return name.startswith("__i") and name not in ("__invert__", "__index__", "__int__")
    return (name.endswith("_") and name != "requires_grad_") or bool(kwargs.get("inplace"))


def watch_activations(module: nn.Module, sample: Tensor) -> tuple[Any, ActivationUse]:
    """Run one evaluation pass and return how its activations were used.

    Args:
        sample: a batch (N, C, H, W) on the module's device.

    Returns:
        What the module returned, and the use of its activations.
    """
    watch = _Watch()
    calls: Counter[str] = Counter()

    def enter(name: str) -> Callable[..., None]:
        def count(*_: Any) -> None:
            calls[name] += 1
            watch.inside += 1

        return count

    def leave(*_: Any) -> None:
        watch.inside -= 1

    handles = []
    for name, layer in module.named_modules():
        if isinstance(layer, ACTIVATIONS):
            handles += [layer.register_forward_pre_hook(enter(name)), layer.register_forward_hook(leave)]
    training = module.training
    try:
        with torch.no_grad(), watch:
            output = module.eval()(sample)
    finally:
        module.train(training)
        for handle in handles:
            handle.remove()
    reused = tuple(name for name, count in calls.items() if count > 1)
    return output, ActivationUse(tuple(calls), reused, watch.functional, tuple(sorted(watch.in_place)))
