"""Mean and standard deviation of the pixels of a training split, channel by channel."""

from __future__ import annotations

from math import sqrt

import numpy as np

from xaitui.data.dataset import Split, chunks


def split_statistics(split: Split) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of each channel, on the scale of [0, 1].

    The sums are of whole numbers, and so exact: the result depends neither on the order nor on the size of the chunks
    the images are read in. A channel that never changes has no scale; its deviation is given as 1.

    Raises:
        ValueError: the split is not the training split, whose statistics are the only ones a model may know.
    """
    if split.name != "train":
        raise ValueError(f"statistics come from the training split, this is {split.name}")
    images = split.images
    count, height, width, channels = images.shape
    totals, squares = np.zeros(channels, np.uint64), np.zeros(channels, np.uint64)
    for chunk in chunks(images):
        totals += chunk.sum(axis=(0, 1, 2), dtype=np.uint64)
        squares += np.square(chunk, dtype=np.uint16).sum(axis=(0, 1, 2), dtype=np.uint64)
    pixels = count * height * width
    pairs = [(int(total), int(square)) for total, square in zip(totals, squares, strict=True)]
    mean = tuple(total / (255 * pixels) for total, _ in pairs)
    std = tuple(sqrt(pixels * square - total**2) / (255 * pixels) or 1.0 for total, square in pairs)
    return mean, std
