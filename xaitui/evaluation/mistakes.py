"""The samples that are worth looking at: what was wrong, what was undecided, what may be labelled wrongly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.records import Task
from xaitui.metrics.per_sample import losses, margins
from xaitui.metrics.scores import decide
from xaitui.runs.predictions import Predictions

Ranking = Literal["mistakes", "uncertain", "suspicious"]
RANKINGS: tuple[Ranking, ...] = get_args(Ranking)
"""The wrong ones by loss; all by how little the likeliest class is ahead; all by loss."""

SUSPICION = "suspicion only: a high loss may be a wrong label or a hard image"
"""What must stand beside samples that are ranked as suspicious."""


@dataclass(frozen=True)
class Sample:
    """One image, and what was said of it."""

    index: int
    """Its place in the split, from 0; also in the arrays of the predictions."""
    row: int | None
    """Its place in the published split that this one was cut from; None where it was not cut."""
    label: int
    """The true class, as far as it is known."""
    predicted: int
    p_label: float
    """What its true class was given."""
    p_predicted: float
    loss: float
    """Cross entropy."""
    margin: float
    """How far the likeliest class lies before the next one."""

    @property
    def is_wrong(self) -> bool:
        """Whether it was taken for another class."""
        return self.predicted != self.label


def rank(
    predictions: Predictions, task: Task, by: Ranking, *, pair: tuple[int, int] | None = None, limit: int | None = None
) -> tuple[Sample, ...]:
    """The samples of a split that has one label an image, those first that most deserve a look.

    Args:
        predictions: of the split.
        task: that of the set.
        by: what they are ranked by.
        pair: a true and a predicted class; the samples of the others are left out.
        limit: the most that are given.
    """
    labels = predictions.labels
    predicted, costs = decide(task, predictions.probabilities), losses(task, predictions.probabilities, labels)
    chosen = np.ones(len(labels), np.bool_) if by != "mistakes" else predicted != labels
    if pair is not None:  # a class paired with itself asks for what was right
        of_pair = (labels == pair[0]) & (predicted == pair[1])
        chosen = of_pair if pair[0] == pair[1] else chosen & of_pair
    places = np.flatnonzero(chosen)
    keys = margins(predictions.probabilities) if by == "uncertain" else -costs
    return samples(predictions, task, places[np.argsort(keys[places], kind="stable")][:limit])


def samples(predictions: Predictions, task: Task, indices: NDArray[np.int64]) -> tuple[Sample, ...]:
    """The samples at these places of the split, in this order."""
    part = Predictions(predictions.probabilities[indices], predictions.labels[indices])
    predicted = decide(task, part.probabilities)
    rows = predictions.rows[indices].tolist() if predictions.rows is not None else [None] * len(indices)
    place = np.arange(len(indices))
    columns = (
        indices,
        part.labels,
        predicted,
        part.probabilities[place, part.labels],
        part.probabilities[place, predicted],
        losses(task, part.probabilities, part.labels),
        margins(part.probabilities),
    )
    return tuple(
        Sample(index, row, *values)
        for row, (index, *values) in zip(rows, zip(*(column.tolist() for column in columns), strict=True), strict=True)
    )
