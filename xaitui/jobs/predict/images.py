"""Predictions of a trained model for image files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from xaitui.data.picture import Picture, decode, probe
from xaitui.errors import DataError
from xaitui.jobs.predict.trained_model import TrainedModel
from xaitui.training.evaluate import probabilities

BATCH = 64
"""Images that are computed at once."""
BORDER_IMAGES = 512
"""Training images whose borders are looked at."""
CLEARLY = 64
"""By so many grey levels of 255 an inverted border must be nearer to that of the training images to be suspected."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Prediction:
    """What the model says about a picture."""

    path: Path
    picture: Picture
    """As its file says it is."""
    pixels: Pixels
    """As the model got it, before it was scaled and normalised: (S, S, C), of the size of the set's images."""
    probabilities: NDArray[np.float32]
    """(classes,); softmax, or sigmoid where an image may have several labels."""
    looks_inverted: bool
    """Whether its border is light where those of the training images are dark, or the other way round."""


@dataclass(frozen=True)
class Unreadable:
    """A picture that cannot be used."""

    path: Path
    reason: str


def predict_pictures(
    model: TrainedModel, paths: Sequence[Path], *, invert: bool = False, border: float | None = None
) -> Iterator[Prediction | Unreadable]:
    """Predict each picture, in their order and a batch at a time; one that cannot be read stops no other.

    Args:
        invert: exchange light and dark first.
        border: what `training_border` gave, where pictures that look inverted are to be told.
    """
    for start in range(0, len(paths), BATCH):
        some = paths[start : start + BATCH]
        found = [_read(model, path, invert=invert) for path in some]
        answers = iter(predict_pixels(model, [each[1] for each in found if not isinstance(each, Unreadable)]))
        for path, each in zip(some, found, strict=True):
            if isinstance(each, Unreadable):
                yield each
            else:
                inverted = border is not None and looks_inverted(each[1], border)
                yield Prediction(path, *each, next(answers), inverted)


def _read(model: TrainedModel, path: Path, *, invert: bool) -> tuple[Picture, Pixels] | Unreadable:
    needed = model.preprocessing
    try:
        picture = probe(path)
        pixels = decode(path, needed.source_size, needed.channels, needed.grey_range)
    except DataError as error:
        return Unreadable(path, str(error))
    return picture, 255 - pixels if invert else pixels


def predict_pixels(model: TrainedModel, images: Sequence[Pixels]) -> NDArray[np.float32]:
    """Probabilities (N, classes) of images (S, S, C) of the size of the set's, uint8."""
    answers = [np.empty((0, len(model.preprocessing.classes)), np.float32)]
    for start in range(0, len(images), BATCH):
        batch = torch.from_numpy(np.stack(images[start : start + BATCH])).permute(0, 3, 1, 2).contiguous()
        answers.append(probabilities(model.logits(batch), model.preprocessing.task).cpu().numpy())
    return np.concatenate(answers)


def training_border(model: TrainedModel) -> float | None:
    """Mean grey level, 0 to 255, at the border of training images; None for colour, and where the data are not here."""
    if model.preprocessing.channels != 1:
        return None
    try:
        train = model.split("train")
        return border_level(train.read(np.arange(min(len(train), BORDER_IMAGES))))
    except (DataError, OSError):
        return None


def border_level(images: Pixels) -> float:
    """Mean of the outermost pixels of images (N, H, W, C)."""
    sides = images[:, 0], images[:, -1], images[:, 1:-1, 0], images[:, 1:-1, -1]
    return float(np.concatenate([side.ravel() for side in sides]).mean())


def looks_inverted(pixels: Pixels, border: float) -> bool:
    """Whether the border of an image (S, S, C) would be much nearer to `border` if light and dark were exchanged."""
    level = border_level(pixels[None])
    return abs(level - border) - abs(255 - level - border) > CLEARLY
