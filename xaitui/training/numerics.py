"""The arithmetic of a run: precision, memory layout, threads, determinism, and the watch over what is finite."""

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
    """On which device, in which precision and memory layout a model computes."""

    device: torch.device
    precision: str = "float32"
    channels_last: bool = False

    @property
    def dtype(self) -> torch.dtype:
        """What convolutions and matrix products compute with."""
        return _DTYPES[self.precision]

    def autocast(self) -> AbstractContextManager[Any]:
        """The context of a forward pass."""
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=self.precision != "float32")

    @property
    def memory_format(self) -> torch.memory_format:
        """The layout of images and weights."""
        return torch.channels_last if self.channels_last else torch.contiguous_format

    @property
    def sum_dtype(self) -> torch.dtype:
        """What sums are kept in: double, where the device has it."""
        return torch.float32 if self.device.type == "mps" else torch.float64


def wait_for(device: torch.device) -> None:
    """Return when the device has done all that it was given; a processor always has."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def configure(*, threads: int, deterministic: bool, tf32: bool) -> None:
    """Set what torch keeps for the whole process."""
    keep_freed_memory()
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic, warn_only=deterministic)
    torch.backends.cudnn.benchmark = not deterministic
    allow_tf32(allowed=tf32)


def allow_tf32(*, allowed: bool) -> None:
    """Let a GPU round the factors of float32 products to 10 bits, or not."""
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed


def peak_memory(device: torch.device) -> int:
    """The most bytes that were taken on a device so far; 0 where it does not tell."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0


class FiniteGuard:
    """Notices the first loss that is NaN or infinite.

    On the processor the loss is read at once, before the update. Reading it on a GPU would wait for the device at each
    step, so there the step is kept in a flag on the device, which is read at log points and before each checkpoint;
    until then fused optimizers skip their updates.
    """

    def __init__(
        self, device: torch.device, optimizer: torch.optim.Optimizer, *, immediate: bool | None = None
    ) -> None:
        """Prepare to watch; `immediate` is whether each loss is read at once, None is as the device likes it."""
        self._optimizer = optimizer
        self._immediate = device.type == "cpu" if immediate is None else immediate
        self._first = torch.full((), -1, dtype=torch.int64, device=device)
        self._fused = not self._immediate and all(group.get("fused") for group in optimizer.param_groups)

    def watch(self, loss: Tensor, step: int) -> None:
        """Look at the loss of a step, before its update.

        Raises:
            DivergedError: on the processor, at the step itself.
        """
        finite = torch.isfinite(loss)
        if self._immediate:
            if not finite:
                raise self._error(step)
            return
        self._first = torch.where((self._first < 0) & ~finite, step, self._first)
        if self._fused:
            # In float16 the scaler puts its own flag in the place of this one: infinite gradients skip the update, too.
            self._optimizer.found_inf = (self._first >= 0).float()  # type: ignore[attr-defined]

    def check(self) -> None:
        """Read the flag; waits for the device.

        Raises:
            DivergedError: a loss was not finite.
        """
        if not self._immediate and (first := int(self._first)) >= 0:
            raise self._error(first)

    def check_all(self, model: nn.Module, step: int) -> None:
        """Make sure that nothing poisoned is evaluated or saved after a step, the optimizer's state included.

        An infinite mean of squared gradients is such a state: it holds its weight where it is for ever.

        Raises:
            DivergedError: a loss was not finite, or a parameter, a buffer or what the optimizer keeps is not.
        """
        self.check()
        if not _all_finite(model.parameters()):
            raise _diverged("weights", step)
        for what, holder in (("statistics", model), ("optimizer", self._optimizer)):  # the first are its buffers
            if not _all_finite(_tensors(holder.state_dict())):
                raise _diverged(what, step)

    def _error(self, step: int) -> DivergedError:
        """Of a step with a loss that is not finite: where the weights are not either, the update before made them so.

        That can be told where the step itself did not change them.
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
    """Whether no number of them is NaN or infinite; waits for their device."""
    finite = [torch.isfinite(tensor).all() for tensor in tensors if tensor.is_floating_point()]
    by_device: dict[torch.device, list[Tensor]] = {}
    for each in finite:  # optimizers keep their counts of steps on the processor
        by_device.setdefault(each.device, []).append(each)
    return all(bool(torch.stack(each).all()) for each in by_device.values())
