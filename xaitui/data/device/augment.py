"""Augmentation of whole batches on their device, with parameters of its own for every sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from xaitui.catalog.augmentations import AUGMENTATION_SETTINGS, active
from xaitui.data.device.augment_color import color_jitter, stain_jitter
from xaitui.data.device.augment_geometry import affine, hflip, rot90, vflip
from xaitui.data.device.augment_mix import blend, erasing
from xaitui.data.device.augment_parameters import generator

Augmentation = Callable[[Tensor, np.random.Generator, Mapping[str, float]], Tensor]

AUGMENTATIONS_OF_IMAGES: Mapping[str, Augmentation] = {
    "hflip": hflip,
    "vflip": vflip,
    "rot90": rot90,
    "affine": affine,
    "color-jitter": color_jitter,
    "stain-jitter": stain_jitter,
    "erasing": erasing,
}
"""The rows of the catalog that change images alone; the others mix samples and are done by `blend`."""

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
        for info in active(settings):
            if not info.mixes:
                change = AUGMENTATIONS_OF_IMAGES[info.name]
                images = change(images, generator(seed, step, info.name), settings).clamp(0.0, 1.0)
        return images

    def mix(self, images: Tensor, targets: Tensor, *, seed: int, step: int) -> tuple[Tensor, Tensor]:
        """Blend samples with others of their batch: images (B, C, H, W) and their targets (B, K), floating point."""
        if not self.mixes:
            return images, targets
        mixed, blended = blend(images, targets, _OFF | dict(self.settings), seed=seed, step=step)
        return mixed.clamp(0.0, 1.0), blended
