"""Bounds on the number of images that go through a model at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

from xaitui.errors import OutOfMemoryError
from xaitui.training.memory import MEMORY_ADVICE, MEMORY_ERRORS, free, is_out_of_memory

FULL_BATCH, FULL_SIDE = 64, 64
"""Largest batch on a CPU, copies included, and the largest image side in pixels at which it is used."""
ON_A_GPU = 8
"""Factor by which a batch on a GPU is larger."""
T = TypeVar("T")


class BatchMemory:
    """A batch size that is halved whenever memory runs out."""

    def __init__(self, device: torch.device, side: int) -> None:
        self.device = device
        fitting = max(1, min(FULL_BATCH, FULL_BATCH * FULL_SIDE**2 // side**2))
        self.batch = fitting * (ON_A_GPU if device.type == "cuda" else 1)

    def within(self, compute: Callable[[], T]) -> T:
        """Compute, and again with half the batch size where memory runs out.

        Raises:
            OutOfMemoryError: not even one image fits.
        """
        while True:
            try:
                return compute()
            except MEMORY_ERRORS as error:
                if not is_out_of_memory(error):
                    raise
            free(self.device)  # outside of the `except`: the error's traceback holds what did not fit
            if self.batch == 1:
                raise OutOfMemoryError(f"{MEMORY_ADVICE}; not a single image can be explained")
            self.batch //= 2
