"""A data set for benchmarks that have to train: made, so that nothing is downloaded, and learnable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

CLASSES = 10
SIDE = 28


def make_images(path: Path, train: int = 20_000, others: int = 1_000) -> Path:
    """Write an .npz in MedMNIST's form: grey images of 28x28, a pattern of each class under noise; return its path."""
    random = np.random.default_rng(0)
    patterns = random.integers(0, 256, (CLASSES, SIDE, SIDE))
    arrays: dict[str, Any] = {}
    for split, count in (("train", train), ("val", others), ("test", others)):
        labels = random.integers(0, CLASSES, count)
        noise = random.integers(0, 256, (count, SIDE, SIDE))
        arrays[f"{split}_images"] = ((patterns[labels] + 3 * noise) // 4).astype(np.uint8)
        arrays[f"{split}_labels"] = labels[:, None].astype(np.uint8)
    np.savez(path, **arrays)
    return path
