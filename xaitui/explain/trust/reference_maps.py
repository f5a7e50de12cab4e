"""Maps that know nothing of the model: what a method must beat before it can be said to explain one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.filters import sobel

from xaitui.explain.trust.judged_images import Subjects
from xaitui.seeds import derive_seed

CENTRE_WIDTH = 1 / 4
"""Standard deviation of the Gaussian, as a part of the side of the image."""


@dataclass(frozen=True)
class Floor:
    """A way of making maps without a model."""

    name: str
    description: str
    draw: Callable[[Subjects], NDArray[np.float32]]
    """Gives maps (N, H, W)."""
    sees_image: bool = False
    """Whether another image gets another map."""


def random_maps(subjects: Subjects) -> NDArray[np.float32]:
    """Noise (N, H, W), drawn for each image by its index and the seed."""
    side = tuple(subjects.inputs.shape[2:])
    seeds = [derive_seed(subjects.seed, "random map", index) for index in subjects.indices]
    return np.stack([np.random.default_rng(seed).random(side, np.float32) for seed in seeds])


def edge_maps(subjects: Subjects) -> NDArray[np.float32]:
    """The strength of the edges (N, H, W): Sobel's filter on the mean of the normalised channels."""
    grey = subjects.inputs.detach().mean(dim=1).cpu().numpy()
    return np.stack([sobel(image) for image in grey]).astype(np.float32)


def centre_maps(subjects: Subjects) -> NDArray[np.float32]:
    """The same Gaussian (N, H, W) in the middle of every image."""
    height, width = (_bell(side) for side in subjects.inputs.shape[2:])
    return np.repeat(np.outer(height, width)[np.newaxis], len(subjects), axis=0).astype(np.float32)


def _bell(side: int) -> NDArray[np.float64]:
    places = (np.arange(side) - (side - 1) / 2) / (side * CENTRE_WIDTH)
    bell: NDArray[np.float64] = np.exp(-(places**2) / 2)
    return bell


FLOORS: Mapping[str, Floor] = {
    floor.name: floor
    for floor in (
        Floor("random", "noise", random_maps),
        Floor("edges", "the edges of the image", edge_maps, sees_image=True),
        Floor("centre", "a Gaussian in the middle", centre_maps),
    )
}
