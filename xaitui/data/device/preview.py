"""Preview of augmentations on a few images, by the code that a training step runs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from xaitui.data.device.augment import Augmenter


def augmented(images: NDArray[np.uint8], settings: Mapping[str, float], *, seed: int, step: int) -> NDArray[np.uint8]:
    """Return uint8 images (N, H, W, C) as the training step `step` would see them if they were its batch.

    `settings` are strengths by name, as `Augmenter` takes them; where they mix, images blend with each other.
    """
    augmenter = Augmenter(settings)
    unit = torch.from_numpy(images.transpose(0, 3, 1, 2).copy()).to(torch.float32) / 255
    unit = augmenter.augment(unit, seed=seed, step=step)
    unit, _ = augmenter.mix(unit, torch.zeros(len(images), 1), seed=seed, step=step)
    pixels: NDArray[np.uint8] = (unit * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
    return pixels
