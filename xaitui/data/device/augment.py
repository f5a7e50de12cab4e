"""Augmentation of whole batches on their device, with parameters of its own for every sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from xaitui.catalog.augmentations import AUGMENTATION_SETTINGS, active
from xaitui.data.device.augment_color import color_jitter, stain_jitter
from xaitui.data.device.augment_geometry import SYMMETRIES, affine, move_pixels
from xaitui.data.device.augment_mix import blend, erasing
from xaitui.data.device.augment_parameters import generator

Augmentation = Callable[[Tensor, np.random.Generator, Mapping[str, float]], Tensor]

AUGMENTATIONS_OF_PIXELS: Mapping[str, Augmentation] = {
    "affine": affine,
    "color-jitter": color_jitter,
    "stain-jitter": stain_jitter,
    "erasing": erasing,
}
"""The rows of the catalog that compute new pixels; `SYMMETRIES` move them, and `blend` mixes samples."""

_OFF = {setting: 0.0 for settings in AUGMENTATION_SETTINGS.values() for setting in settings}


@dataclass(frozen=True)
class Augmenter:
    """Applies the augmentations that its settings turn on.

    Every draw depends on (seed, step) alone, so that a resumed run sees the images that an uninterrupted one sees, and
    a GPU those that a processor sees.
    """

    settings: Mapping[str, float]
    """Strength by the name of the setting; one that is missing is off."""

    @property
    def changes_images(self) -> bool:
        """Whether `augment` does anything."""
        return any(not info.mixes for info in active(self.settings))

    @property
    def mixes(self) -> bool:
        """Whether `mix` does anything, and so needs targets that can be blended."""
        return any(info.mixes for info in active(self.settings))

    def augment(self, images: Tensor, *, seed: int, step: int) -> Tensor:
        """Augment images (B, C, H, W), floating point in 0 .. 1; shape, type, device and range stay."""
        settings = _OFF | dict(self.settings)
        names = [info.name for info in active(settings) if not info.mixes]
        images = _moved(images, [name for name in names if name in SYMMETRIES], seed, step)
        for name in names:
            if name in AUGMENTATIONS_OF_PIXELS:
                change = AUGMENTATIONS_OF_PIXELS[name]
                images = change(images, generator(seed, step, name), settings).clamp(0.0, 1.0)
        return images

    def mix(self, images: Tensor, targets: Tensor, *, seed: int, step: int) -> tuple[Tensor, Tensor]:
        """Blend samples with others of their batch: images (B, C, H, W) and their targets (B, K), floating point."""
        if not self.mixes:
            return images, targets
        mixed, blended = blend(images, targets, _OFF | dict(self.settings), seed=seed, step=step)
        return mixed.clamp(0.0, 1.0), blended


def _moved(images: Tensor, names: Sequence[str], seed: int, step: int) -> Tensor:
    """Apply the symmetries of these names, each drawn for itself, all at once."""
    if not names:
        return images
    count, square = len(images), images.shape[-2] == images.shape[-1]
    drawn = sum(SYMMETRIES[name](count, generator(seed, step, name), square=square) for name in names)
    return move_pixels(images, np.asarray(drawn), turns="rot90" in names)
