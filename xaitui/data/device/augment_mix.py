"""Augmentations that cover or blend images: random erasing, mixup and cutmix."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xaitui.data.device.augment_parameters import generator, send

ERASED_AREA = (0.02, 0.2)
"""Part of the image that an erased rectangle covers, from and to."""
ERASED_ASPECT = 10.0 / 3.0
"""Largest ratio of the sides of an erased rectangle, either of which may be the longer one."""


def erasing(images: Tensor, rng: np.random.Generator, settings: Mapping[str, float]) -> Tensor:
    """Cover a rectangle of an image (B, C, H, W), with the chance ``settings["erasing"]`` (Zhong and others 2020).

    The cover is the mean of the image in each channel: within its range, and without a noise to recognise.
    """
    count, _, height, width = images.shape
    erased = rng.random(count) < settings["erasing"]
    area = rng.uniform(*ERASED_AREA, count) * height * width
    aspect = ERASED_ASPECT ** rng.uniform(-1.0, 1.0, count)
    boxes = _boxes(rng, np.sqrt(area * aspect), np.sqrt(area / aspect), height, width)
    boxes[~erased, 1] = boxes[~erased, 0]
    return torch.where(_inside(boxes, images), images.mean(dim=(2, 3), keepdim=True), images)


def blend(
    images: Tensor, targets: Tensor, settings: Mapping[str, float], *, seed: int, step: int
) -> tuple[Tensor, Tensor]:
    """Blend each sample with another of its batch: mixup (Zhang and others 2018) or cutmix (Yun and others 2019).

    `images` are (B, C, H, W), `targets` (B, K) floating point. The share that a sample keeps is drawn from
    Beta(alpha, alpha), alpha being ``settings["mixup"]`` or ``settings["cutmix"]``; where both are set, each sample
    takes one of them with a chance of one half. A target is blended by the part of the pixels that was kept.
    """
    rng = generator(seed, step, "mix")
    count, _, height, width = images.shape
    partner = send(rng.permutation(count), images)
    uses_cutmix = _choose_cutmix(rng, count, settings["mixup"], settings["cutmix"])
    share = np.where(uses_cutmix, _beta(rng, settings["cutmix"], count), _beta(rng, settings["mixup"], count))
    side = np.sqrt(1.0 - share)
    boxes = _boxes(rng, side * height, side * width, height, width)
    pasted = (boxes[:, 1] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 2]) / (height * width)
    kept = np.where(uses_cutmix, 1.0 - pasted, share)
    weight = torch.where(
        send(uses_cutmix, images).view(-1, 1, 1, 1),
        (~_inside(boxes, images)).to(images.dtype),
        send(kept, images).view(-1, 1, 1, 1),
    )
    mixed = torch.lerp(images[partner], images, weight)
    return mixed, torch.lerp(targets[partner], targets, send(kept, targets).view(-1, 1))


def _choose_cutmix(rng: np.random.Generator, count: int, mixup: float, cutmix: float) -> NDArray[np.bool_]:
    coins = rng.random(count) < 0.5
    return coins if mixup and cutmix else np.full(count, bool(cutmix))


def _beta(rng: np.random.Generator, alpha: float, count: int) -> NDArray[np.float64]:
    return rng.beta(alpha, alpha, count) if alpha else np.ones(count)


def _boxes(
    rng: np.random.Generator, heights: NDArray[np.float64], widths: NDArray[np.float64], height: int, width: int
) -> NDArray[np.int64]:
    """Place one rectangle for each sample inside the image: rows from and to, columns from and to, (B, 4)."""
    rows, columns = np.rint(heights).clip(0, height), np.rint(widths).clip(0, width)
    top = np.floor(rng.random(len(rows)) * (height - rows + 1))
    left = np.floor(rng.random(len(columns)) * (width - columns + 1))
    return np.stack([top, top + rows, left, left + columns], axis=1).astype(np.int64)


def _inside(boxes: NDArray[np.int64], images: Tensor) -> Tensor:
    """Return which pixels lie in the rectangle of their image, boolean (B, 1, H, W)."""
    top, bottom, left, right = send(boxes, images).view(-1, 4, 1, 1, 1).unbind(1)
    rows = torch.arange(images.shape[-2], device=images.device).view(1, 1, -1, 1)
    columns = torch.arange(images.shape[-1], device=images.device).view(1, 1, 1, -1)
    return (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
