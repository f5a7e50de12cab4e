"""Evaluation of a run on one split from its stored predictions; each part is computed on first use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.datasets import DATASETS
from xaitui.catalog.records import Task
from xaitui.errors import DataError
from xaitui.evaluation.mistakes import Ranking, Sample, rank
from xaitui.metrics.agreement import Kappa, cohen_kappa
from xaitui.metrics.calibration import Calibration, calibration, fit_temperature, with_temperature
from xaitui.metrics.confusion import ConfusedPair, confused_pairs, confusion_matrix
from xaitui.metrics.curves import Curve, precision_recall, roc
from xaitui.metrics.intervals import Interval, bootstrap_intervals
from xaitui.metrics.per_class import PerClass, per_class
from xaitui.metrics.per_sample import losses
from xaitui.metrics.scores import Scores, decide, score
from xaitui.metrics.selective import Selective, selective
from xaitui.runs.directory import RunDirectory
from xaitui.runs.listing.settings import read_settings
from xaitui.runs.predictions import Predictions, read_predictions
from xaitui.runs.preprocessing import read_preprocessing

SEVERAL_LABELS = "an image of this set may have several labels: there is no one class that it is taken for"
"""Why confusion, mistakes, kappa and selective prediction are not for such sets."""


@dataclass(frozen=True)
class Temperature:
    """Temperature scaling: the divisor of the logits, fitted on validation, and its effect."""

    value: float
    after: Calibration
    """Calibration of the evaluated split with this temperature."""


@dataclass(frozen=True)
class Evaluation:
    """Scores and errors of a run on a split.

    `kappa`, `confusion`, `selective` and `rank` need exactly one label per image, and do not apply if
    `has_several_labels`.
    """

    split: str
    predictions: Predictions
    task: Task
    classes: tuple[str, ...]
    """Names of the classes or labels, in the order of the columns; foreign text."""
    validation: Predictions | None = None
    """Predictions on which the temperature is fitted; None if there are none."""

    @staticmethod
    def of(
        split: str, predictions: Predictions, task: Task, classes: Sequence[str], validation: Predictions | None = None
    ) -> Evaluation:
        """Take predictions that can be evaluated.

        Raises:
            DataError: a probability is not finite.
        """
        if not np.isfinite(predictions.probabilities).all():
            raise DataError(f"its {split} predictions are not finite: the weights are of no use")
        if validation is not None and not np.isfinite(validation.probabilities).all():
            validation = None
        return Evaluation(split, predictions, task, tuple(classes), validation)

    @staticmethod
    def read(run: RunDirectory, split: str) -> Evaluation:
        """Read the stored predictions of a split.

        Raises:
            DataError: there are none, or they are damaged.
        """
        predictions = read_predictions(run.predictions / f"{split}.npz")
        validation = None
        if split != "val":
            try:
                validation = read_predictions(run.predictions / "val.npz")
            except DataError:  # then there is no temperature, which is said where it would stand
                validation = None
        task, classes = outputs_of(run, predictions)
        return Evaluation.of(split, predictions, task, classes, predictions if split == "val" else validation)

    @property
    def has_several_labels(self) -> bool:
        """Whether an image may have several labels."""
        return self.task is Task.MULTI_LABEL

    @property
    def images(self) -> int:
        """Number of images."""
        return len(self.predictions.labels)

    @cached_property
    def decided(self) -> NDArray[np.int64]:
        """Predicted classes (N,), or labels as zeros and ones (N, L)."""
        return decide(self.task, self.predictions.probabilities)

    @cached_property
    def scores(self) -> Scores:
        """Accuracy, AUC, balanced accuracy and macro F1."""
        return score(self.task, self.predictions.probabilities, self.predictions.labels, self.classes)

    @cached_property
    def loss(self) -> float:
        """Mean cross entropy."""
        return float(losses(self.task, self.predictions.probabilities, self.predictions.labels).mean())

    @property
    def headline(self) -> dict[str, float]:
        """Loss and scores by their names in the catalog; NaN where one is undefined."""
        return {"loss": self.loss, **self.scores.values}

    @cached_property
    def intervals(self) -> dict[str, Interval]:
        """The 95 % interval of each of these; takes seconds for ten thousand images. NaN where it is undefined."""
        found = bootstrap_intervals(self.task, self.predictions.probabilities, self.predictions.labels)
        unknown = Interval(math.nan, math.nan)
        return {name: unknown if name in self.scores.undefined else each for name, each in found.items()}

    @cached_property
    def per_class(self) -> PerClass:
        """Precision, recall, F1 and AUC of each class or label."""
        return per_class(self.task, self.predictions.probabilities, self.predictions.labels)

    @cached_property
    def callouts(self) -> tuple[str, ...]:
        """Warnings about classes of which no image is recognised, which means hide; with unsanitised class names."""
        noun = "label" if self.has_several_labels else "class"
        found = self.per_class
        return tuple(
            f"{noun} {self.classes[index]} ({_images(found.classes[index].support)}) is never recognised"
            for index in found.never_found
        )

    @cached_property
    def kappa(self) -> Kappa:
        """Agreement beyond chance."""
        return cohen_kappa(self.task, self.decided, self.predictions.labels)

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """Images by true class (rows) and predicted class (columns), (C, C)."""
        return confusion_matrix(self.decided, self.predictions.labels, len(self.classes))

    @cached_property
    def confused_pairs(self) -> tuple[ConfusedPair, ...]:
        """Pairs of true and predicted class, the most frequent first."""
        return confused_pairs(self.confusion)

    @cached_property
    def calibration(self) -> Calibration:
        """Agreement of the probabilities with the accuracy."""
        return calibration(self.task, self.predictions.probabilities, self.predictions.labels)

    @cached_property
    def temperature(self) -> Temperature | None:
        """The temperature that suits validation, and how well calibrated this split is with it; None without one."""
        if self.validation is None:
            return None
        value = fit_temperature(self.task, self.validation.probabilities, self.validation.labels)
        scaled = with_temperature(self.task, self.predictions.probabilities, value)
        return Temperature(value, calibration(self.task, scaled, self.predictions.labels))

    @cached_property
    def selective(self) -> Selective:
        """Accuracy when the least certain images are left out."""
        return selective(self.task, self.predictions.probabilities, self.predictions.labels)

    def roc(self, index: int) -> Curve:
        """Of one class against the rest, or of one label."""
        return roc(self.predictions.probabilities, self.predictions.labels, index)

    def precision_recall(self, index: int) -> Curve:
        """Of one class against the rest, or of one label."""
        return precision_recall(self.predictions.probabilities, self.predictions.labels, index)

    def rank(self, by: Ranking, *, pair: tuple[int, int] | None = None, limit: int | None = None) -> tuple[Sample, ...]:
        """Samples ranked by `evaluation.mistakes.rank`."""
        return rank(self.predictions, self.task, by, pair=pair, limit=limit)


def _images(count: int) -> str:
    return f"{count:,} image{'s' * (count != 1)}"


def outputs_of(run: RunDirectory, predictions: Predictions) -> tuple[Task, tuple[str, ...]]:
    """The task of a run and the names of its classes; of an older run as the catalog has them, else their numbers.

    Raises:
        DataError: what the run says of its classes is damaged, or does not fit its predictions.
    """
    count = predictions.probabilities.shape[1]
    known = read_preprocessing(run.preprocessing) or DATASETS.get(str(read_settings(run).get("data.dataset")))
    if known is not None and len(known.classes) == count:
        return known.task, known.classes
    names = tuple(map(str, range(count)))
    if predictions.has_several_labels:
        return Task.MULTI_LABEL, names
    return Task.BINARY if count == 2 else Task.MULTI_CLASS, names
