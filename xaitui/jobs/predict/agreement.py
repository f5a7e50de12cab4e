"""Agreement of an exported or loaded model with the run's own evaluation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.splits import PREDICTED
from xaitui.config.toml import read_resolved
from xaitui.errors import DataError, XaituiError
from xaitui.jobs.predict.images import BATCH, Pixels, predict_pixels
from xaitui.jobs.predict.trained_model import TrainedModel
from xaitui.runs.predictions import read_predictions
from xaitui.training.resolve import Resolved

Answer = Callable[[Pixels], NDArray[np.float32]]
"""uint8 images (N, S, S, C) of the size of the set's to probabilities (N, classes)."""

TOLERANCE = 1e-5
"""The most by which a probability may differ."""
COMPARED = 512
"""Images that are compared."""
MADE_IMAGES = 64
"""Images of noise that are compared where those of the set are not here."""


@dataclass(frozen=True)
class Agreement:
    """How far probabilities are from those of the trained model, and from the stored ones."""

    images: int
    split: str
    """Whose images were compared; empty for images of noise."""
    from_model: float
    """The largest difference of a probability to what the loaded model says."""
    from_stored: float | None
    """The largest difference to the run's stored probabilities; None where they or their images are not here."""
    exact: bool
    """Whether the run evaluated in plain float32: only then are the stored probabilities to be met."""
    why_not_stored: str = ""

    @property
    def holds(self) -> bool:
        """Whether every probability is within the tolerance."""
        stored = self.from_stored if self.exact and self.from_stored is not None else 0.0
        return max(self.from_model, stored) <= TOLERANCE  # False for NaN, too

    def __str__(self) -> str:
        if self.from_stored is None:
            return f"{self.images} images of noise: within {self.from_model:.1e} of the model ({self.why_not_stored})"
        said = f"{self.images} {self.split} images: within {self.from_stored:.1e} of the stored probabilities"
        if self.exact:
            return said
        return f"{said}, which were not computed in plain float32; within {self.from_model:.1e} of the model"


def compare_answers(model: TrainedModel, answer: Answer) -> Agreement:
    """Ask about images whose probabilities are known.

    Raises:
        DataError: a file of the run is damaged.
    """
    try:
        split, images, stored = _stored(model)
        why = ""
    except DataError as error:
        split, stored, why = "", None, str(error)
        needed = model.preprocessing
        shape = (MADE_IMAGES, needed.source_size, needed.source_size, needed.channels)
        images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    given = np.concatenate([answer(images[start : start + BATCH]) for start in range(0, len(images), BATCH)])
    from_stored = None if stored is None else _largest(given, stored)
    from_model = _largest(given, predict_pixels(model, list(images)))
    return Agreement(len(images), split, from_model, from_stored, _is_exact(model), why)


def require_agreement(model: TrainedModel, answer: Answer, what: str) -> Agreement:
    """Compare, and refuse what differs.

    Raises:
        XaituiError: a probability differs by more than the tolerance.
    """
    agreement = compare_answers(model, answer)
    if not agreement.holds:
        raise XaituiError(f"{what} gives other probabilities than the run, more than {TOLERANCE:g} off: {agreement}")
    return agreement


def _stored(model: TrainedModel) -> tuple[str, Pixels, NDArray[np.float32]]:
    """Images and what the run's evaluation said of them.

    Raises:
        DataError: the predictions or their images are not here.
    """
    here = [name for name in PREDICTED if (model.run.predictions / f"{name}.npz").exists()]
    if not here:
        raise DataError("the run has no stored predictions")
    predictions = read_predictions(model.run.predictions / f"{here[0]}.npz")
    split = model.split(here[0])
    if not np.array_equal(split.labels, predictions.labels):
        raise DataError(f"the {here[0]} images are not those that were predicted")
    rows = np.arange(min(len(split), COMPARED))
    return here[0], split.read(rows), predictions.probabilities[rows]


def _largest(given: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    return float(np.abs(given.astype(np.float64) - expected).max())


def _is_exact(model: TrainedModel) -> bool:
    resolved = Resolved.from_table(read_resolved(model.run.config))
    return resolved.precision == "float32" and not resolved.tf32
