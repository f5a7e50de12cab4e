"""Running out of memory: its detection, smaller batches, and undoing a failed step."""

from __future__ import annotations

import gc
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from xaitui.errors import OutOfMemoryError
from xaitui.events import MemoryRanOut
from xaitui.hardware.host_allocator import give_back_freed_memory
from xaitui.training.components import Parts
from xaitui.training.progress import Position

MEMORY_ADVICE = "out of memory: try a smaller --batch-size or --image-size, --precision bfloat16, or --finetune head"

_SIGNS = ("out of memory", "can't allocate memory", "STATUS_ALLOC_FAILED", "could not create a primitive")
"""Messages of the accelerators' allocators, the CPU's, NVIDIA's libraries, and oneDNN, which does not mention memory;
all of them raise a plain RuntimeError at times."""


MEMORY_ERRORS = (RuntimeError, MemoryError)
"""Types of the errors raised when memory runs out, among others: `is_out_of_memory` distinguishes them."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that the device or the host ran out of memory."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)


class TornUpdateError(OutOfMemoryError):
    """Memory ran out while the optimizer changed the weights: some are changed, some are not."""

    def __init__(self) -> None:
        super().__init__(MEMORY_ADVICE)


def free(device: torch.device) -> None:
    """Return unused memory to the system, so that the next attempt finds it unfragmented."""
    gc.collect()
    give_back_freed_memory()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def smallest_micro_batch(model: nn.Module) -> int:
    """The smallest micro-batch: two images if the model has batch normalisation, which needs their statistics."""
    return 2 if any(isinstance(module, _BatchNorm) for module in model.modules()) else 1


def pieces(count: int, micro_batch: int) -> list[slice]:
    """Cut a batch of `count` images into micro-batches; a last one of a single image joins the previous one."""
    starts = list(range(0, count, micro_batch))
    if len(starts) > 1 and count - starts[-1] == 1:
        starts.pop()
    return [slice(start, end) for start, end in zip(starts, [*starts[1:], count], strict=True)]


@dataclass
class BatchSizes:
    """Images computed at once; halved when memory runs out, and part of a checkpoint."""

    micro: int
    """In training; the optimizer still takes one step for the whole batch."""
    evaluation: int

    def halve_micro(self, batch: int, smallest: int) -> int:
        """Halve the micro-batches of a batch; return their previous size.

        Raises:
            OutOfMemoryError: they are already the smallest.
        """
        before = min(self.micro, batch)
        if before <= smallest:
            raise OutOfMemoryError(f"{MEMORY_ADVICE}; {before} at once are the fewest that this model can train on")
        self.micro = max(smallest, before // 2)
        return before

    def halve_evaluation(self, images: int) -> int:
        """Halve the batches that a split of so many images is evaluated in; return their previous size.

        Raises:
            OutOfMemoryError: a single image does not fit.
        """
        before = min(self.evaluation, images)
        if before <= 1:
            raise OutOfMemoryError(f"{MEMORY_ADVICE}; not a single image can be evaluated")
        self.evaluation = before // 2
        return before


def halve_micro_batch(sizes: BatchSizes, parts: Parts, at: Position) -> MemoryRanOut:
    """Free unused memory and halve the micro-batches of training.

    Raises:
        OutOfMemoryError: they are already the smallest.
    """
    free(parts.numerics.device)
    smallest = smallest_micro_batch(parts.model)
    before = sizes.halve_micro(parts.config.training.batch_size, smallest)
    return MemoryRanOut(
        epoch=at.epoch, step=at.step, during="training", before=before, after=sizes.micro, batch_norm=smallest > 1
    )


class Undo:
    """Saved copy of the state that a training step changes before its update: random generators and model buffers."""

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        by_type: dict[torch.dtype, list[Tensor]] = {}
        for buffer in model.buffers():
            by_type.setdefault(buffer.dtype, []).append(buffer)
        # Buffers are copied in one call per type: with one call per buffer a GPU would wait for the host.
        self._buffers = [(group, [torch.empty_like(buffer) for buffer in group]) for group in by_type.values()]
        self._cuda = device if device.type == "cuda" else None
        self._generators: list[Tensor] = []

    def take(self) -> None:
        """Save the current state."""
        for buffers, kept in self._buffers:
            torch._foreach_copy_(kept, buffers)
        self._generators = [torch.get_rng_state()]
        if self._cuda is not None:
            self._generators.append(torch.cuda.get_rng_state(self._cuda))

    def forget(self) -> None:
        """Discard the saved state after a finished step, which must not be undone."""
        self._generators = []

    def put_back(self) -> None:
        """Restore the saved state, unless it was discarded."""
        if not self._generators:
            return
        for buffers, kept in self._buffers:
            torch._foreach_copy_(buffers, kept)
        torch.set_rng_state(self._generators[0])
        if self._cuda is not None:
            torch.cuda.set_rng_state(self._generators[1], self._cuda)
        self.forget()
