"""Tiny inputs for the cases: images whose class is the direction of a bright bar, in folders and in arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

DRAW = np.random.default_rng(0)


def bar(label: int, side: int = 16) -> NDArray[np.uint8]:
    """Noise with a bright bar: across, down, diagonal, or a bright corner, by `label`; (side, side)."""
    image = DRAW.integers(0, 60, (side, side)).astype(np.uint8)
    middle = slice(side // 2 - 2, side // 2 + 2)
    match label % 4:
        case 0:
            image[middle] = 220
        case 1:
            image[:, middle] = 220
        case 2:
            np.fill_diagonal(image, 220)
        case _:
            image[: side // 2, : side // 2] = 220
    return image


def save(path: Path, image: NDArray[np.generic]) -> None:
    """Write an image file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


def class_folders(folder: Path, classes: str | list[str], images: int, side: int = 16) -> Path:
    """Write ``folder/CLASS/000.png`` and so on, `images` for each class."""
    for label, name in enumerate(classes):
        for number in range(images):
            save(folder / name / f"{number:03d}.png", bar(label, side))
    return folder


def arrays(count: int, classes: int = 3, side: int = 16) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images (count, side, side) and their labels (count,), the classes in turn."""
    labels = (np.arange(count) % classes).astype(np.uint8)
    return np.stack([bar(int(label), side) for label in labels]), labels
