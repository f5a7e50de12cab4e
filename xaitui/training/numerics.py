"""Numerics of a run: precision, memory layout, threads, determinism, and the check for values that are not finite."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from xaitui.errors import DivergedError
from xaitui.hardware.host_allocator import keep_freed_memory

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Numerics:
    """Device, precision and memory layout of a model."""

    device: torch.device
    precision: str = "float32"
    channels_last: bool = False

    @property
    def dtype(self) -> torch.dtype:
        """Type used by convolutions and matrix products."""
        return _DTYPES[self.precision]

    def autocast(self) -> AbstractContextManager[Any]:
        """Context of a forward pass."""
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=self.precision != "float32")

    @property
    def memory_format(self) -> torch.memory_format:
        """The layout of images and weights."""
        return torch.channels_last if self.channels_last else torch.contiguous_format

    @property
    def sum_dtype(self) -> torch.dtype:
        """Type of running sums: double, if the device supports it."""
        return torch.float32 if self.device.type == "mps" else torch.float64


def wait_for(device: torch.device) -> None:
    """Wait until the device has finished all queued work; a CPU always has."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def configure(*, threads: int, deterministic: bool, tf32: bool) -> None:
    """Set the process-wide options of torch."""
    keep_freed_memory()
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic, warn_only=deterministic)
    torch.backends.cudnn.benchmark = not deterministic
    allow_tf32(allowed=tf32)


def allow_tf32(*, allowed: bool) -> None:
    """Allow or forbid TF32, in which a GPU rounds the factors of float32 products to 10 bits."""
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed


def peak_memory(device: torch.device) -> int:
    """Peak memory allocated on a device in bytes; 0 if unknown."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0


class FiniteGuard:
    """Notices the first loss that is NaN or infinite.

    On the CPU the loss is read at once, before the update. On a GPU, reading it would wait for the device at every
    step, so the number of the step is kept in a tensor on the device that is read at log points and before each
    checkpoint; until then fused optimizers skip their updates.
    """

    def __init__(
        self, device: torch.device, optimizer: torch.optim.Optimizer, *, immediate: bool | None = None
    ) -> None:
        """Prepare to watch; `immediate` reads each loss at once; None decides by the device."""
        self._optimizer = optimizer
        self._immediate = device.type == "cpu" if immediate is None else immediate
        self._first = torch.full((), -1, dtype=torch.int64, device=device)
        self._fused = not self._immediate and all(group.get("fused") for group in optimizer.param_groups)

    def watch(self, loss: Tensor, step: int) -> None:
        """Check the loss of a step before its update.

        Raises:
            DivergedError: on the CPU, at the step itself.
        """
        finite = torch.isfinite(loss)
        if self._immediate:
            if not finite:
                raise self._error(step)
            return
        self._first = torch.where((self._first < 0) & ~finite, step, self._first)
        if self._fused:
            # In float16 the gradient scaler overwrites this flag with its own, which skips the update as well.
            self._optimizer.found_inf = (self._first >= 0).float()  # type: ignore[attr-defined]

    def check(self) -> None:
        """Read the flag; waits for the device.

        Raises:
            DivergedError: a loss was not finite.
        """
        if not self._immediate and (first := int(self._first)) >= 0:
            raise self._error(first)

    def check_all(self, model: nn.Module, step: int) -> None:
        """Check that loss, weights, buffers and optimizer state are finite before they are evaluated or saved.

        The optimizer's state is included because an infinite mean of squared gradients would freeze its weight for
        the rest of the run without making any weight or loss infinite.

        Raises:
            DivergedError: a loss was not finite, or a parameter, a buffer or the optimizer's state is not.
        """
        self.check()
        if not _all_finite(model.parameters()):
            raise _diverged("weights", step)
        for what, holder in (("statistics", model), ("optimizer", self._optimizer)):  # the first are its buffers
            if not _all_finite(_tensors(holder.state_dict())):
                raise _diverged(what, step)

    def _error(self, step: int) -> DivergedError:
        """The error of a step whose loss is not finite.

        If the weights are not finite either, the previous update is at fault. That is certain only if the step itself
        has not been applied: losses are read at once, or the optimizer skips the update.
        """
        weights = (weight for group in self._optimizer.param_groups for weight in group["params"])
        if step > 1 and (self._immediate or self._fused) and not _all_finite(weights):
            return _diverged("weights", step - 1)
        return _diverged("loss", step)


_SAID = {
    "loss": "the loss of step {} is not finite",
    "weights": "the weights are not finite any more after step {}",
    "statistics": "the running statistics of the model are not finite any more after step {}",
    "optimizer": "the state of the optimizer is not finite any more after step {}",
}


def _diverged(what: str, step: int) -> DivergedError:
    return DivergedError(
        f"{_SAID[what].format(step)}; what was saved before is kept, but resuming it does the same "
        "again: train with a lower --lr, --warmup-epochs 1 or --clip-norm 1",
        step,
        what,
    )


def _tensors(state: object) -> Iterator[Tensor]:
    """The tensors of nested tables."""
    if isinstance(state, Tensor):
        yield state
    elif isinstance(state, Mapping):
        for value in state.values():
            yield from _tensors(value)


def _all_finite(tensors: Iterable[Tensor]) -> bool:
    """Whether no value is NaN or infinite; waits for the devices."""
    finite = [torch.isfinite(tensor).all() for tensor in tensors if tensor.is_floating_point()]
    by_device: dict[torch.device, list[Tensor]] = {}
    for each in finite:  # optimizers keep their step counts on the CPU
        by_device.setdefault(each.device, []).append(each)
    return all(bool(torch.stack(each).all()) for each in by_device.values())
