"""Preparation of a batch on the device: from uint8 images to the inputs of a model."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Prepare(nn.Module):
    """Scale to [0, 1], resize and normalise a batch; augmentation belongs between `to_unit` and `finish`.

    Resizing is bilinear with corners not aligned. When it shrinks, the filter is widened to cover all the source
    pixels (antialias); when it enlarges, it is plain interpolation. Images that are not square become so.

    Args:
        image_size: side in pixels that the model sees; 0 leaves images as they are.
        mean: of each channel, on the scale of [0, 1].
        std: of each channel, on the same scale.
        dtype: what the model computes in.
        memory_format: how the pixels lie in memory, `torch.channels_last` where the model prefers it.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        image_size: int,
        mean: Sequence[float],
        std: Sequence[float],
        *,
        dtype: torch.dtype = torch.float32,
        memory_format: torch.memory_format = torch.contiguous_format,
    ) -> None:
        super().__init__()
        self.image_size = image_size
        self.dtype = dtype
        self.memory_format = memory_format
        # As buffers they follow the module to its device; a new tensor for every batch would make the host wait.
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1), persistent=False)

    def to_unit(self, images: Tensor) -> Tensor:
        """Turn uint8 (B, C, H, W) into float32 in [0, 1]."""
        return images.to(torch.float32, memory_format=self.memory_format).div_(255)

    def finish(self, unit: Tensor) -> Tensor:
        """Resize and normalise float32 (B, C, H, W) in [0, 1]; return `dtype` of shape (B, C, size, size)."""
        normalised = self._resize(unit).sub(self.mean).div_(self.std)
        return normalised.to(self.dtype, memory_format=self.memory_format)

    def forward(self, images: Tensor) -> Tensor:
        """Do both, without augmentation."""
        return self.finish(self.to_unit(images))

    def _resize(self, unit: Tensor) -> Tensor:
        side = self.image_size
        if side == 0 or unit.shape[-2:] == (side, side):
            return unit
        shrinks = side < max(unit.shape[-2:])
        return F.interpolate(unit, (side, side), mode="bilinear", align_corners=False, antialias=shrinks)
