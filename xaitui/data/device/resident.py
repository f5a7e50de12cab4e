"""A split whose images all are on the device: a batch is one indexed copy, and the host does nothing."""

from __future__ import annotations

from collections.abc import Generator, Iterable

import numpy as np
import torch
from torch import Tensor

from xaitui.data.dataset import Images, Split
from xaitui.data.row_file import RowFile

_UPLOAD_BYTES = 64 << 20
"""Host memory that bringing rows of a file to the device may take."""


class ResidentStore:
    """Keeps uint8 images in the memory of the device, an image's pixels side by side (N, H, W, C)."""

    def __init__(self, split: Split, device: torch.device) -> None:
        self.labels = torch.from_numpy(split.labels).to(device)
        self.index_device = device
        self._images = _upload(split.images, device)

    def __len__(self) -> int:
        return len(self._images)

    def batches(self, batches: Iterable[Tensor]) -> Generator[tuple[Tensor, Tensor], None, None]:
        """See `Store.batches`."""
        for indices in batches:
            chosen = indices.to(self.index_device, non_blocking=True)
            images = self._images.index_select(0, chosen)
            yield images.permute(0, 3, 1, 2), self.labels.index_select(0, chosen)


def _upload(images: Images, device: torch.device) -> Tensor:
    if not isinstance(images, RowFile):
        return torch.from_numpy(np.ascontiguousarray(images)).to(device)
    resident = torch.empty(images.shape, dtype=torch.uint8, device=device)
    rows = max(1, _UPLOAD_BYTES * len(images) // images.nbytes)
    for start in range(0, len(images), rows):
        chosen = np.arange(start, min(start + rows, len(images)))
        block = np.empty((len(chosen), *images.shape[1:]), np.uint8)
        images.read(chosen, block)
        resident[start : start + rows] = torch.from_numpy(block)
    return resident
