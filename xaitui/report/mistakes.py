"""Mistakes of a run: its confusion matrix, and the images with the most confident errors."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.datasets import DATASETS
from xaitui.catalog.records import Task
from xaitui.data.dataset import Dataset
from xaitui.errors import DataError
from xaitui.evaluation.mistakes import rank
from xaitui.metrics import confusion
from xaitui.metrics.scores import THRESHOLD
from xaitui.report.document import Picture
from xaitui.report.tables import Table
from xaitui.runs.predictions import Predictions

SHOWN = 12
"""Images of mistakes."""


def class_names(dataset: str, opened: Dataset | None, count: int) -> Sequence[str]:
    """What the classes are called: as the set says, else their numbers."""
    info = opened.info if opened is not None else DATASETS.get(dataset)
    if info is not None and len(info.classes) == count:
        return info.classes
    return [str(index) for index in range(count)]


def confusion_matrix(predictions: Predictions) -> NDArray[np.int64]:
    """Images by true class (rows) and predicted class (columns), of shape (C, C); one label an image.

    Raises:
        DataError: a label is none of the classes.
    """
    classes = predictions.probabilities.shape[1]
    return confusion.confusion_matrix(predictions.probabilities.argmax(axis=1), predictions.labels, classes)


def label_table(predictions: Predictions, names: Sequence[str]) -> Table:
    """How often each label was found, missed and seen where it is not; images that may have several."""
    said, true = predictions.probabilities > THRESHOLD, predictions.labels > 0
    counts = [(said & true).sum(axis=0), (~said & true).sum(axis=0), (said & ~true).sum(axis=0)]
    rows = [[name, *(str(int(each[index])) for each in counts)] for index, name in enumerate(names)]
    return Table(["label", "found", "missed", "false alarms"], rows)


def worst_mistakes(predictions: Predictions, data: Dataset, names: Sequence[str], stem: str) -> tuple[Picture, ...]:
    """The wrong validation images with the highest loss, the worst first.

    Raises:
        DataError: the images are not those of the predictions.
    """
    if not np.array_equal(data.val.labels, predictions.labels):
        raise DataError("the validation images are not those that were predicted")
    worst = rank(predictions, Task.MULTI_CLASS, "mistakes", limit=SHOWN)
    images = data.val.read(np.array([each.index for each in worst], np.int64))
    return tuple(
        Picture(
            name=f"{stem}-{place}",
            png=_png(image),
            caption=f"{names[each.label]}, taken for {names[each.predicted]} "
            f"({100 * each.p_predicted:.0f} %; true class {100 * each.p_label:.2g} %)",
        )
        for place, (each, image) in enumerate(zip(worst, images, strict=True), start=1)
    )


def _png(image: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image.squeeze(axis=2) if image.shape[2] == 1 else image).save(file, "PNG")
    return file.getvalue()
