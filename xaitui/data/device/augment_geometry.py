"""Geometric augmentations: the symmetries of the square, and small rotations, shifts and zooms."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from xaitui.data.device.augment_parameters import send

Floats = NDArray[np.float64]
Symmetries = NDArray[np.int64]


ROW_FLIP, COLUMN_FLIP, TRANSPOSED, TURNED = 1, 2, 4, 8
"""Bits of a symmetry, done in this order: left and right, up and down, a quarter turn, a half turn."""


def hflip(count: int, rng: np.random.Generator, *, square: bool) -> Symmetries:
    """Draw which of `count` images are mirrored left and right, each with a chance of one half."""
    return (rng.random(count) < 0.5) * np.int64(ROW_FLIP)


def vflip(count: int, rng: np.random.Generator, *, square: bool) -> Symmetries:
    """Draw which of `count` images are mirrored up and down, each with a chance of one half."""
    return (rng.random(count) < 0.5) * np.int64(COLUMN_FLIP)


def rot90(count: int, rng: np.random.Generator, *, square: bool) -> Symmetries:
    """Draw by 0 to 3 quarters how far each of `count` images is turned, by 0 or 2 where they are not square."""
    quarters = rng.integers(0, 4, count)
    quarter = quarters % 2 if square else np.zeros(count, np.int64)
    symmetries: Symmetries = quarter * TRANSPOSED + (quarters >= 2) * np.int64(TURNED)
    return symmetries


SYMMETRIES = {"hflip": hflip, "vflip": vflip, "rot90": rot90}
"""The augmentations that only move whole pixels; all that are on are done at once by `move_pixels`."""


def move_pixels(images: Tensor, symmetries: Symmetries, *, turns: bool) -> Tensor:
    """Apply to each image (B, C, H, W) the symmetry of its bits (B,): one gather, whichever of them are on.

    `turns` is whether quarter turns are among what can be drawn. The result then lies in memory column by column:
    sums over an image, which colour jitter takes, round in the order of its pixels, and runs made by earlier versions
    go on with the same bits.
    """
    count, channels, height, width = images.shape
    turns = turns and height == width
    sources = _sources(height, width, turns, images.device).index_select(0, send(symmetries, images))
    if images.is_contiguous(memory_format=torch.channels_last):
        pixels = images.permute(0, 2, 3, 1).reshape(count, height * width, channels)
        moved = pixels.gather(1, sources[:, :, None].expand(-1, -1, channels))
        moved = moved.view(count, height, width, channels).permute(0, 3, 1, 2)
    else:
        moved = images.reshape(count, channels, -1).gather(2, sources[:, None].expand(-1, channels, -1)).view_as(images)
    return moved.mT if turns else moved


@cache
def _sources(height: int, width: int, turns: bool, device: torch.device) -> Tensor:
    """For each symmetry the pixel that each pixel comes from, int64 (16, H * W); transposed where `turns`."""
    pixels = torch.arange(height * width).view(height, width)
    rows = []
    for symmetry in range(16):
        moved = pixels.flip(-1) if symmetry & ROW_FLIP else pixels
        moved = moved.flip(-2) if symmetry & COLUMN_FLIP else moved
        # A quarter counter-clockwise is a transposition and a flip; flips give the rest.
        moved = moved.mT.flip(-2) if symmetry & TRANSPOSED and height == width else moved
        moved = moved.flip(-1, -2) if symmetry & TURNED else moved
        rows.append((moved.mT if turns else moved).flatten())
    return torch.stack(rows).to(device)


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
