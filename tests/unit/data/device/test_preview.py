from __future__ import annotations

import numpy as np
import torch

from xaitui.data.device.augment import Augmenter
from xaitui.data.device.preview import augmented

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)


def test_without_augmentation_images_stay_what_they_are() -> None:
    assert (augmented(IMAGES, {}, seed=0, step=0) == IMAGES).all()


def test_images_are_those_of_the_training_step() -> None:
    settings = {"rotate": 30.0, "color_jitter": 0.4, "cutmix": 1.0}
    unit = torch.from_numpy(IMAGES).permute(0, 3, 1, 2).float() / 255
    augmenter = Augmenter(settings)
    unit, _ = augmenter.mix(augmenter.augment(unit, seed=7, step=3), torch.zeros(5, 2), seed=7, step=3)
    expected = (unit * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    assert (augmented(IMAGES, settings, seed=7, step=3) == expected).all()
    assert (augmented(IMAGES, settings, seed=7, step=4) != expected).any()


def test_a_run_beside_it_is_not_disturbed() -> None:
    before = torch.get_rng_state()
    augmented(IMAGES, {"rotate": 30.0, "erasing": 1.0, "mixup": 1.0}, seed=0, step=0)
    assert torch.equal(torch.get_rng_state(), before)
