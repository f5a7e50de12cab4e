"""Predictions for tests: as right or wrong as they are wanted to be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xaitui.runs.directory import RunDirectory
from xaitui.runs.predictions import write_predictions

CLASSES = 10


def predict(run: RunDirectory, right: Sequence[bool], split: str = "val", shift: int = 0) -> None:
    """Write predictions of a run: image k is of class k + `shift` modulo 10, and taken for the next where not right."""
    labels = (np.arange(len(right)) + shift) % CLASSES
    predicted = np.where(right, labels, (labels + 1) % CLASSES)
    probabilities = np.full((len(right), CLASSES), 0.02, np.float32)
    probabilities[np.arange(len(right)), predicted] = 0.82
    write_predictions(run.predictions / f"{split}.npz", probabilities, labels.astype(np.int64))


def right_but(wrong: int, images: int = 200, first: int = 0) -> list[bool]:
    """So many images, right but for some in a row."""
    return [not first <= image < first + wrong for image in range(images)]
