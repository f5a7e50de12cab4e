"""Order of the images in an epoch: a permutation that depends on the seed and the epoch alone."""

from __future__ import annotations

import torch
from torch import Tensor

from xaitui.seeds import derive_seed

LINES_PER_EPOCH = 200
LINES_PER_RUN = 20_000


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Number of batches of an epoch; a last batch of one image, unusable by batch norm, joins the previous one."""
    whole, rest = divmod(images, batch_size)
    return max(1, whole + (rest > (1 if whole else 0)))


def epoch_batches(images: int, batch_size: int, *, seed: int, epoch: int, device: torch.device) -> list[Tensor]:
    """The indices of each batch of an epoch, int64 on `device`, each image once."""
    generator = torch.Generator().manual_seed(derive_seed(seed, "order", epoch))
    order = torch.randperm(images, generator=generator).to(device)
    count = steps_per_epoch(images, batch_size)
    return [order[i * batch_size : (i + 1) * batch_size] for i in range(count - 1)] + [
        order[(count - 1) * batch_size :]
    ]


def log_every(steps: int, epochs: int) -> int:
    """Steps between two journal lines, so that neither an epoch nor a run writes too many lines."""
    return max(1, -(-steps // LINES_PER_EPOCH), -(-steps * epochs // LINES_PER_RUN))
