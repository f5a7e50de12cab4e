"""Batches of images on the device, whether the set fits there or not."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Protocol

import torch
from torch import Tensor

from xaitui.data.dataset import Split
from xaitui.data.device.resident import ResidentStore
from xaitui.data.device.streaming import StreamingStore
from xaitui.data.row_file import RowFile

RESIDENT_SHARE = 0.5
"""Part of a GPU's free memory that images may take; the rest is for the model, its gradients and activations."""


class Store(Protocol):
    """The images of one split, given out in batches. Every store gives the same bits for the same indices."""

    labels: Tensor
    """All labels on the device: int64 of shape (N,), or (N, L) for multi-label tasks."""
    index_device: torch.device
    """Where indices are best; those on another device are brought there, one small copy a batch."""

    def __len__(self) -> int: ...

    def batches(self, batches: Iterable[Tensor]) -> Generator[tuple[Tensor, Tensor], None, None]:
        """Give out the batches that are asked for.

        Args:
            batches: the indices of each, int64 of shape (B,); they may be drawn some batches ahead of their use.

        Yields:
            images, uint8 of shape (B, C, H, W), and labels of shape (B,) or (B, L), both on the device.
        """
        ...


def open_store(split: Split, device: torch.device) -> Store:
    """Put the images of `split` on the device if they fit there, else stream them to it, batch by batch.

    On a processor the device's memory is the host's: an array that is there stays, rows of a file stay on disk.
    """
    images = split.images
    if device.type == "cuda":
        fits = images.nbytes <= torch.cuda.mem_get_info(device)[0] * RESIDENT_SHARE
    else:
        fits = not isinstance(images, RowFile)
    return ResidentStore(split, device) if fits else StreamingStore(split, device)
