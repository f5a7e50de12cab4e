"""Color augmentations: brightness, contrast, saturation, hue, and the amounts of stain in histology.

Each is one affine map of the colour space per image, computed on the processor and applied in one product.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xaitui.data.device.augment_parameters import send

Matrices = NDArray[np.float64]

LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in brightness (ITU-R BT.601)."""

STAINS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
"""Optical density of haematoxylin, eosin and DAB in red, green and blue (Ruifrok and Johnston 2001)."""

DARKEST = 1.0 / 255.0
"""The smallest transmission that 8 bits tell from none; it keeps optical densities finite."""


def color_jitter(images: Tensor, rng: np.random.Generator, settings: Mapping[str, float]) -> Tensor:
    """Change the brightness and contrast of each image (B, C, H, W), and in three channels saturation and hue.

    With the strength s = ``settings["color_jitter"]``, the factors are uniform in 1 - s .. 1 + s, and the hue turns by
    up to s / 4 of a full turn either way, the proportions of SimCLR (Chen and others 2020). Hue turns about the grey
    axis of the colour cube, which is linear, instead of through HSV.
    """
    count, channels = images.shape[:2]
    strength = settings["color_jitter"]
    brightness, contrast, saturation = 1.0 + rng.uniform(-strength, strength, (3, count))
    turn = 2.0 * np.pi * rng.uniform(-strength, strength, count) / 4.0
    # Contrast is taken about the mean of the image, which brightness has moved already.
    centre = images.mean(dim=(1, 2, 3), keepdim=True) * send(_column(brightness * (1.0 - contrast)), images)
    scaled = images * send(_column(brightness * contrast), images) + centre
    if channels == 3:
        scaled = _map_colors(scaled, _turn_about_grey(turn) @ _saturate(saturation))
    return scaled


def stain_jitter(images: Tensor, rng: np.random.Generator, settings: Mapping[str, float]) -> Tensor:
    """Scale and shift the amount of each stain in RGB images (B, 3, H, W) (Tellez and others 2018).

    With the strength s = ``settings["stain_jitter"]``, each amount is multiplied by a factor uniform in 1 - s .. 1 + s
    and increased by a term uniform in -s .. s, in units of natural optical density.
    """
    count, strength = len(images), settings["stain_jitter"]
    factors = 1.0 + rng.uniform(-strength, strength, (count, 3))
    terms = rng.uniform(-strength, strength, (count, 3))
    stains = STAINS / np.linalg.norm(STAINS, axis=1, keepdims=True)
    # A density d (column) holds the amounts inv(S)' d; back to densities they are S' times the changed amounts.
    change = stains.T @ (factors[:, :, None] * np.linalg.inv(stains).T)
    added = terms @ stains
    density = -images.clamp(min=DARKEST).log()
    return torch.exp(-(_map_colors(density, change) + send(added[:, :, None, None], images)))


def _map_colors(images: Tensor, matrices: Matrices) -> Tensor:
    """Multiply the colour of every pixel (B, 3, H, W), as a column, by the matrix (B, 3, 3) of its image."""
    return torch.einsum("bij,bjhw->bihw", send(matrices, images), images)


def _saturate(factors: NDArray[np.float64]) -> Matrices:
    grey = np.ones((3, 1)) * LUMA
    scale = factors[:, None, None]
    mixed: Matrices = scale * np.eye(3) + (1.0 - scale) * grey
    return mixed


def _turn_about_grey(angles: NDArray[np.float64]) -> Matrices:
    """Rotate about the axis (1, 1, 1) by Rodrigues' formula, (B, 3, 3)."""
    axis = np.ones(3) / np.sqrt(3.0)
    cross = np.cross(np.eye(3), axis)
    sine, cosine = np.sin(angles)[:, None, None], np.cos(angles)[:, None, None]
    turned: Matrices = cosine * np.eye(3) + sine * cross + (1.0 - cosine) * np.outer(axis, axis)
    return turned


def _column(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[:, None, None, None]
