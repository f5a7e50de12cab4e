"""Where a pixel goes: the symmetries of the square, and small turns, shifts and zooms."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from xaitui.data.device.augment_parameters import send

Floats = NDArray[np.float64]


def hflip(images: Tensor, rng: np.random.Generator, settings: Mapping[str, float]) -> Tensor:
    """Mirror left and right, each image (B, C, H, W) with a chance of one half."""
    return _where(rng.random(len(images)) < 0.5, images.flip(-1), images)


def vflip(images: Tensor, rng: np.random.Generator, settings: Mapping[str, float]) -> Tensor:
    """Mirror up and down, each image (B, C, H, W) with a chance of one half."""
    return _where(rng.random(len(images)) < 0.5, images.flip(-2), images)


def rot90(images: Tensor, rng: np.random.Generator, settings: Mapping[str, float]) -> Tensor:
    """Turn each image (B, C, H, W) by 0 to 3 quarters, by 0 or 2 where it is not square."""
    quarters = rng.integers(0, 4, len(images))
    if images.shape[-2] == images.shape[-1]:
        # A quarter counter-clockwise is a transposition and a flip; flips give the rest.
        images = _where(quarters % 2 == 1, images.mT.flip(-2), images)
    return _where(quarters >= 2, images.flip(-1, -2), images)


def _where(chosen: NDArray[np.bool_], changed: Tensor, images: Tensor) -> Tensor:
    return torch.where(send(chosen, images).view(-1, 1, 1, 1), changed, images)


def affine(images: Tensor, rng: np.random.Generator, settings: Mapping[str, float]) -> Tensor:
    """Turn, shift and zoom each image (B, C, H, W) a little; see `transform`.

    `settings` bounds the draws, all uniform: "rotate" the angle in degrees either way, "translate" the shifts as parts
    of the sides, "scale" the factor to 1 - scale .. 1 + scale.
    """
    count = len(images)
    angles = rng.uniform(-1.0, 1.0, count) * settings["rotate"]
    shifts = rng.uniform(-1.0, 1.0, (count, 2)) * settings["translate"]
    zooms = 1.0 + rng.uniform(-1.0, 1.0, count) * settings["scale"]
    return transform(images, angles, shifts, zooms)


def transform(images: Tensor, angles: Floats, shifts: Floats, zooms: Floats) -> Tensor:
    """Map each image (B, C, H, W) about its centre, in one bilinear interpolation.

    `angles` (B,) in degrees counter-clockwise, `shifts` (B, 2) to the right and down as parts of width and height,
    `zooms` (B,) factors of size. What comes in from outside is the image reflected at its edge: a border of a colour
    that the set does not have would give the transformation away.
    """
    count, _, height, width = images.shape
    cosine, sine = np.cos(np.radians(angles)), np.sin(np.radians(angles))
    # The grid says where each pixel comes from, so it holds the inverse map. It runs from -1 to 1 along either side:
    # a turn must allow for the ratio of the sides, and a part of a side is twice that much.
    aspect = width / height
    linear = (
        np.stack([cosine, -sine / aspect, sine * aspect, cosine], axis=1).reshape(count, 2, 2) / zooms[:, None, None]
    )
    offset = -linear @ (2.0 * shifts[:, :, None])
    grid = F.affine_grid(
        send(np.concatenate([linear, offset], axis=2), images), list(images.shape), align_corners=False
    )
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
