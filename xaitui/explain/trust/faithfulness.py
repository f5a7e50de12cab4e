"""Faithfulness of a map: deletion and insertion of the pixels that it calls important.

Both follow RISE (Petsiuk, Das and Saenko 2018, https://arxiv.org/abs/1806.07421, `evaluation.py` of its code). Pixels
are changed in the order of the map, largest first and without taking absolute values, a row's worth at a time; equal
ones go row by row. After each step the model is asked for the probability of the class that the map is about; RISE's,
the model's first choice, is that of a map for the predicted class. The score is the area under these probabilities,
within [0, 1]. Only ranks count, and the images in between are unlike those of training: a score means something beside
that of another map of the same images, and little alone (Gomez, Freour and Mouchere 2022).
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor

from xaitui.explain.trust.judged_images import Maps, Subjects

BLUR_SIDE, BLUR_SIGMA = 11, 5.0
"""RISE's blur: the side of its kernel and its width, in pixels."""


def deletion(subjects: Subjects, maps: Maps) -> NDArray[np.float64]:
    """Areas (N,) while the pixels of the image become zero, its normalised mean; lower is better."""
    return _areas(subjects, maps, subjects.inputs, torch.zeros_like(subjects.inputs))


def insertion(subjects: Subjects, maps: Maps) -> NDArray[np.float64]:
    """Areas (N,) while the pixels of a blurred image become those of the image; higher is better."""
    return _areas(subjects, maps, blur(subjects.inputs), subjects.inputs)


def blur(inputs: Tensor) -> Tensor:
    """Images (N, C, H, W) under RISE's blur, whose edge sees zeros outside.

    Below 22 pixels its kernel, too, would see most of the image: it is cut to the odd side that is at most half of it.
    """
    side = min(BLUR_SIDE, (min(inputs.shape[2:]) // 2 - 1) // 2 * 2 + 1)
    point = np.zeros((side, side), np.float32)
    point[side // 2, side // 2] = 1
    kernel = torch.from_numpy(gaussian_filter(point, BLUR_SIGMA)).to(inputs)
    channels = inputs.shape[1]
    return F.conv2d(inputs, kernel.expand(channels, 1, side, side), padding=side // 2, groups=channels)


@torch.no_grad()
def _areas(subjects: Subjects, maps: Maps, start: Tensor, finish: Tensor) -> NDArray[np.float64]:
    """The area under the probabilities, by trapezoids, from the images of `start` to those of `finish`."""
    ranks = _ranks(subjects.tensor(maps))
    pixels, step = ranks[0].numel(), ranks.shape[2]
    states = -(-pixels // step) + 1
    found = []
    for chosen in torch.split(torch.arange(len(subjects) * states, device=start.device), subjects.batch):
        image, steps = chosen // states, chosen % states
        changed = ranks[image] < (steps * step)[:, None, None]
        mixed = torch.where(changed[:, None], finish[image], start[image])
        found.append(subjects.target_probabilities(mixed, subjects.targets[image]))
    curves = torch.cat(found).view(-1, states).cpu().numpy().astype(np.float64)
    return np.asarray(np.trapezoid(curves, dx=1 / (states - 1), axis=1))


def _ranks(maps: Tensor) -> Tensor:
    """The place of each pixel (N, H, W) in the order of its map: 0 for the largest."""
    order = maps.flatten(1).argsort(dim=1, descending=True, stable=True)
    places = torch.arange(order.shape[1], device=maps.device).expand_as(order)
    return torch.empty_like(order).scatter_(1, order, places).view_as(maps)
