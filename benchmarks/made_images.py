"""Datasets for benchmarks that have to train, as .npz files in MedMNIST's form: made, or some images of MNIST."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLASSES = 10
SIDE = 28

Labelled = tuple[NDArray[np.uint8], NDArray[Any]]
"""Images (N, H, W) or (N, H, W, 3) and the class of each (N,)."""


def make_images(path: Path, train: int = 20_000, others: int = 1_000, *, channels: int = 1, side: int = SIDE) -> Path:
    """Write images that need no download and can be learnt: a pattern of each class under noise; return the path.

    Args:
        channels: 1 for grey images, 3 for RGB.
        side: in pixels.
    """
    random = np.random.default_rng(0)
    shape = (side, side) if channels == 1 else (side, side, channels)
    patterns = random.integers(0, 256, (CLASSES, *shape), np.uint16)
    splits: dict[str, Labelled] = {}
    for split, count in (("train", train), ("val", others), ("test", others)):
        labels = random.permutation(np.arange(count) % CLASSES)  # each class is there, however few images
        noise = random.integers(0, 256, (count, *shape), np.uint16)
        splits[split] = ((patterns[labels] + 3 * noise) // 4).astype(np.uint8), labels
    return _write(path, splits)


def take_mnist(path: Path, data_dir: str, train: int, others: int = 256) -> Path:
    """Write the first images of MNIST's training and validation split; the test images are not read.

    Args:
        data_dir: folder where MNIST's files are looked for first.

    Raises:
        DataError: MNIST is not here.
    """
    from xaitui.data.open import open_dataset

    dataset = open_dataset("mnist", data_dir=data_dir)
    images, other_images = np.asarray(dataset.train.images)[..., 0], np.asarray(dataset.val.images)[..., 0]
    labels, other_labels = dataset.train.labels, dataset.val.labels
    splits = {
        "train": (images[:train], labels[:train]),
        "val": (other_images[:others], other_labels[:others]),
        "test": (other_images[-others:], other_labels[-others:]),
    }
    return _write(path, splits)


def _write(path: Path, splits: Mapping[str, Labelled]) -> Path:
    arrays: dict[str, Any] = {}
    for split, (images, labels) in splits.items():
        arrays[f"{split}_images"] = images
        arrays[f"{split}_labels"] = labels[:, None].astype(np.uint8)
    np.savez(path, **arrays)
    return path
