"""Ranking of samples worth inspecting: mistakes, uncertain predictions, suspicious labels."""

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
"""Wrong samples by loss; all samples by the margin of the likeliest class; all samples by loss."""

SUSPICION = "suspicion only: a high loss may be a wrong label or a hard image"
"""Caveat to show beside samples that are ranked as suspicious."""


@dataclass(frozen=True)
class Sample:
    """One image and its prediction."""

    index: int
    """Index in the split and in the arrays of the predictions, from 0."""
    row: int | None
    """Index in the published split that this one was cut from; None if it was not cut."""
    label: int
    """The labelled class."""
    predicted: int
    p_label: float
    """Probability of the labelled class."""
    p_predicted: float
    loss: float
    """Cross entropy."""
    margin: float
    """Difference between the two largest probabilities."""

    @property
    def is_wrong(self) -> bool:
        """Whether the prediction differs from the label."""
        return self.predicted != self.label


def rank(
    predictions: Predictions, task: Task, by: Ranking, *, pair: tuple[int, int] | None = None, limit: int | None = None
) -> tuple[Sample, ...]:
    """Rank the samples of a split with one label per image, the most notable first.

    Args:
        predictions: predictions of the split.
        task: task of the dataset.
        by: the ranking.
        pair: a true and a predicted class; other samples are left out.
        limit: largest number of samples.
    """
    labels = predictions.labels
    predicted, costs = decide(task, predictions.probabilities), losses(task, predictions.probabilities, labels)
    chosen = np.ones(len(labels), np.bool_) if by != "mistakes" else predicted != labels
    if pair is not None:  # a class paired with itself selects correct predictions
        of_pair = (labels == pair[0]) & (predicted == pair[1])
        chosen = of_pair if pair[0] == pair[1] else chosen & of_pair
    places = np.flatnonzero(chosen)
    keys = margins(predictions.probabilities) if by == "uncertain" else -costs
    return samples(predictions, task, places[np.argsort(keys[places], kind="stable")][:limit])


def samples(predictions: Predictions, task: Task, indices: NDArray[np.int64]) -> tuple[Sample, ...]:
    """The samples at these indices of the split, in this order."""
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
