"""Infidelity, sensitivity and sparseness of a map."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from captum.metrics import infidelity as captum_infidelity
from captum.metrics import sensitivity_max as captum_sensitivity_max
from numpy.typing import NDArray
from torch import Tensor

from xaitui.explain.trust.judged_images import Explain, Maps, Subjects
from xaitui.seeds import derive_seed

SQUARES = 20
"""Squares that are removed from each image."""
SQUARE_PART = 4
"""The side of the image over that of a square."""

RADIUS, NOISY_COPIES = 0.02, 10
"""How far a value may be moved, in normalised units, and how often an image is."""


def infidelity(subjects: Subjects, maps: Maps) -> NDArray[np.float64]:
    """Mean squared error (N,) of maps as forecasts, in squared logits; lower is better.

    Squares at random places are set to zero, the normalised mean, one at a time: what a map holds inside of one is its
    forecast of how far the logit falls (square removal of Yeh and others 2019, https://arxiv.org/abs/1901.09392). Each
    map is first scaled by its best factor, `normalize` of `captum.metrics.infidelity`, since methods have units of
    their own. The squares of an image depend on its index and the seed alone: every method and floor meets the same.
    """
    tensor = subjects.tensor(maps)
    found = []
    for rows, group in subjects.groups(SQUARES):
        channels = group.inputs.shape[1]
        # A square takes all channels, so each may carry its share of a map that is their sum.
        attributions = (tensor[rows] / channels)[:, None].expand_as(group.inputs)
        found.append(
            captum_infidelity(
                group.model,
                _remove_squares(group),
                group.inputs,
                attributions,
                target=group.targets,
                n_perturb_samples=SQUARES,
                max_examples_per_batch=_limit(group, SQUARES),
                normalize=True,
            )
        )
    # captum expands the square, which rounds below zero where a forecast is perfect
    return torch.cat(found).clamp(min=0).cpu().numpy().astype(np.float64)


def _remove_squares(group: Subjects) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """The perturbation that captum asks for: where each copy has its square, and the copies without it."""
    draws = _generators(group, "squares")
    height, width = group.inputs.shape[2:]
    side = max(1, min(height, width) // SQUARE_PART)

    def remove(copies: Tensor) -> tuple[Tensor, Tensor]:
        each = len(copies) // len(group)
        corners = np.concatenate([draw.integers(0, (height - side + 1, width - side + 1), (each, 2)) for draw in draws])
        top, left = torch.from_numpy(corners).to(copies.device)[:, :, None].unbind(1)
        down, across = (torch.arange(size, device=copies.device) for size in (height, width))
        inside = ((down >= top) & (down < top + side))[:, :, None] & ((across >= left) & (across < left + side))[
            :, None
        ]
        removed = inside[:, None].expand_as(copies)
        return removed.to(copies.dtype), copies.masked_fill(removed, 0)

    return remove


def sensitivity(subjects: Subjects, explain: Explain) -> NDArray[np.float64]:
    """How much a map changes at most when the image hardly does, relative to its size (N,); lower is better.

    Max-sensitivity of Yeh and others 2019 by `captum.metrics.sensitivity_max`: the image is explained `NOISY_COPIES`
    times again, with uniform noise of at most `RADIUS` in normalised units on every value. A map that ignores the image
    has 0.
    """
    found = []
    for _, group in subjects.groups(NOISY_COPIES):
        found.append(
            captum_sensitivity_max(
                _explanation(group, explain),
                group.inputs,
                _add_noise(group),
                target=group.targets,
                n_perturb_samples=NOISY_COPIES,
                max_examples_per_batch=_limit(group, NOISY_COPIES),
            )
        )
    return torch.cat(found).cpu().numpy().astype(np.float64)


def _explanation(group: Subjects, explain: Explain) -> Callable[..., tuple[Tensor]]:
    """The method as captum calls it: the images come in a tuple or not, what is returned must be in one."""

    def explanation(inputs: Tensor | tuple[Tensor], target: Tensor) -> tuple[Tensor]:
        images = inputs if isinstance(inputs, Tensor) else inputs[0]
        with torch.enable_grad():  # captum has switched gradients off
            # captum copies the targets together with the images, but not a single one
            return (group.tensor(explain(images, target.expand(len(images)))),)

    return explanation


def _add_noise(group: Subjects) -> Callable[[Tensor], Tensor]:
    draws = _generators(group, "noise")

    def add(copies: Tensor) -> Tensor:
        shape = (len(copies) // len(group), *copies.shape[1:])
        noise = np.concatenate([draw.random(shape, np.float32) for draw in draws])
        return copies + torch.from_numpy((noise * 2 - 1) * RADIUS).to(copies)

    return add


def _generators(group: Subjects, use: str) -> list[np.random.Generator]:
    """One for each image, so that what it draws does not depend on who stands beside it."""
    return [np.random.default_rng(derive_seed(group.seed, use, index)) for index in group.indices]


def _limit(group: Subjects, copies: int) -> int | None:
    """What captum is to take at once, where not even the copies of one image make a batch; it warns of any other."""
    return group.batch if group.batch < copies else None


def sparseness(maps: NDArray[np.float32]) -> NDArray[np.float64]:
    """Gini's index (N,) of the sizes in maps (N, H, W): 0 where all are equal, near 1 where one pixel has everything.

    As Hurley and Rickard (2009) write it; for maps: Chalasani and others (2020). Neither more nor less is better.
    """
    sizes = np.sort(np.abs(maps).reshape(len(maps), -1).astype(np.float64), axis=1)
    count = sizes.shape[1]
    weights = (count - np.arange(1, count + 1) + 0.5) / count
    index: NDArray[np.float64] = 1 - 2 * (sizes @ weights) / sizes.sum(axis=1)
    return index
