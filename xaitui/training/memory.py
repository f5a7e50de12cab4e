"""Running out of memory: how it is known, and what an attempt must leave as it found it."""

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
"""Of the accelerators' allocators, the processor's, NVIDIA's libraries, and oneDNN, which does not name what it lacks;
all of them raise a plain RuntimeError at times."""


MEMORY_ERRORS = (RuntimeError, MemoryError)
"""What is raised where memory runs out, among other things: `is_out_of_memory` tells."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the memory of the device or the host was not enough."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)


class TornUpdateError(OutOfMemoryError):
    """Memory ran out while the optimizer changed the weights: some are changed, some are not."""

    def __init__(self) -> None:
        super().__init__(MEMORY_ADVICE)


def free(device: torch.device) -> None:
    """Give back what nothing holds any more, so that the next attempt finds it in one piece."""
    gc.collect()
    give_back_freed_memory()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def smallest_micro_batch(model: nn.Module) -> int:
    """The fewest images that may be computed at once: two where batch normalisation takes their statistics."""
    return 2 if any(isinstance(module, _BatchNorm) for module in model.modules()) else 1


def pieces(count: int, micro_batch: int) -> list[slice]:
    """Cut a batch of `count` images into micro-batches; a last one of a single image joins the one before."""
    starts = list(range(0, count, micro_batch))
    if len(starts) > 1 and count - starts[-1] == 1:
        starts.pop()
    return [slice(start, end) for start, end in zip(starts, [*starts[1:], count], strict=True)]


@dataclass
class BatchSizes:
    """How many images are computed at once; they shrink where memory runs out, and are part of a checkpoint."""

    micro: int
    """In training; the optimizer still takes one step for the whole batch."""
    evaluation: int

    def halve_micro(self, batch: int, smallest: int) -> int:
        """Halve the portions of a batch; return how large they were.

        Raises:
            OutOfMemoryError: they are as small as they may be.
        """
        before = min(self.micro, batch)
        if before <= smallest:
            raise OutOfMemoryError(f"{MEMORY_ADVICE}; {before} at once are the fewest that this model can train on")
        self.micro = max(smallest, before // 2)
        return before

    def halve_evaluation(self, images: int) -> int:
        """Halve the batches that a split of so many images is evaluated in; return how large they were.

        Raises:
            OutOfMemoryError: a single image does not fit.
        """
        before = min(self.evaluation, images)
        if before <= 1:
            raise OutOfMemoryError(f"{MEMORY_ADVICE}; not a single image can be evaluated")
        self.evaluation = before // 2
        return before


def halve_micro_batch(sizes: BatchSizes, parts: Parts, at: Position) -> MemoryRanOut:
    """Compute half as many images at once in training from now on; what nothing holds any more is given back.

    Raises:
        OutOfMemoryError: they are the fewest already.
    """
    free(parts.numerics.device)
    smallest = smallest_micro_batch(parts.model)
    before = sizes.halve_micro(parts.config.training.batch_size, smallest)
    return MemoryRanOut(
        epoch=at.epoch, step=at.step, during="training", before=before, after=sizes.micro, batch_norm=smallest > 1
    )


class Undo:
    """What a training step changes before its update: the states of the generators, and the model's buffers."""

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        by_type: dict[torch.dtype, list[Tensor]] = {}
        for buffer in model.buffers():
            by_type.setdefault(buffer.dtype, []).append(buffer)
        # One copy for all buffers of a type: for each of them alone, a GPU would wait for the host.
        self._buffers = [(group, [torch.empty_like(buffer) for buffer in group]) for group in by_type.values()]
        self._cuda = device if device.type == "cuda" else None
        self._generators: list[Tensor] = []

    def take(self) -> None:
        """Keep the state as it is now."""
        for buffers, kept in self._buffers:
            torch._foreach_copy_(kept, buffers)
        self._generators = [torch.get_rng_state()]
        if self._cuda is not None:
            self._generators.append(torch.cuda.get_rng_state(self._cuda))

    def forget(self) -> None:
        """The step is done: there is nothing to go back to."""
        self._generators = []

    def put_back(self) -> None:
        """Bring back what was kept, unless it was forgotten."""
        if not self._generators:
            return
        for buffers, kept in self._buffers:
            torch._foreach_copy_(buffers, kept)
        torch.set_rng_state(self._generators[0])
        if self._cuda is not None:
            torch.cuda.set_rng_state(self._generators[1], self._cuda)
        self.forget()
