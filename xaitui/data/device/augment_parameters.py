"""Parameters of an augmentation: drawn on the processor, one for each sample, used where the images lie."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xaitui.seeds import derive_seed


def generator(seed: int, step: int, name: str) -> np.random.Generator:
    """Return the generator of one augmentation at one step.

    It depends on nothing else: a GPU draws what a processor draws, a resumed run what the first one drew, and turning
    one augmentation on or off leaves the others as they were.
    """
    return np.random.default_rng(derive_seed(seed, "augment", step, name))


def send(values: NDArray[np.generic], like: Tensor) -> Tensor:
    """Copy parameters to the device of `like`, numbers in its type, booleans and indices as they are."""
    tensor = torch.from_numpy(values)
    if tensor.is_floating_point():
        tensor = tensor.to(like.dtype)
    if like.is_cuda:
        # From ordinary memory the copy would wait until the GPU has finished what it was given before.
        return tensor.pin_memory().to(like.device, non_blocking=True)
    return tensor.to(like.device)
