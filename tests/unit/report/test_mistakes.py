from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from xaitui.catalog.datasets import DATASETS
from xaitui.data.dataset import Dataset, Split
from xaitui.errors import DataError
from xaitui.report.mistakes import class_names, confusion_matrix, label_table, worst_mistakes
from xaitui.runs.predictions import Predictions

NAMES = ("cat", "dog")


def of_classes(rows: Sequence[tuple[float, float]], labels: Sequence[int]) -> Predictions:
    return Predictions(np.array(rows, np.float32), np.array(labels, np.int64))


THREE = of_classes([(0.9, 0.1), (0.45, 0.55), (0.99, 0.01)], [0, 0, 1])


def set_of(labels: Sequence[int]) -> Dataset:
    shades = np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1, 1)
    split = Split("val", np.tile(shades, (1, 4, 4, 1)), np.array(labels, np.int64))
    return Dataset(DATASETS["digits"], split, split, lambda: split, len(split))


def test_rows_are_the_true_classes() -> None:
    assert confusion_matrix(THREE).tolist() == [[1, 1], [1, 0]]


def test_a_label_beyond_the_classes_is_said() -> None:
    with pytest.raises(DataError, match="a label of the predictions is none of their classes"):
        confusion_matrix(of_classes([(0.9, 0.1)], [2]))


def test_the_worst_mistake_comes_first() -> None:
    pictures = worst_mistakes(THREE, set_of([0, 0, 1]), NAMES, "m")
    assert [(each.name, each.caption) for each in pictures] == [
        ("m-1", "dog, taken for cat (99 %; true class 1 %)"),
        ("m-2", "cat, taken for dog (55 %; true class 45 %)"),
    ]
    assert all(each.png.startswith(b"\x89PNG") for each in pictures)


def test_images_of_other_labels_are_refused() -> None:
    with pytest.raises(DataError, match="the validation images are not those that were predicted"):
        worst_mistakes(THREE, set_of([0, 1, 1]), NAMES, "m")


def test_of_several_labels_each_is_counted() -> None:
    found = Predictions(np.array([[0.9, 0.2], [0.8, 0.1]], np.float32), np.array([[1, 1], [0, 0]]))
    assert label_table(found, NAMES).rows == [["cat", "1", "0", "1"], ["dog", "0", "1", "0"]]


def test_classes_without_names_have_numbers() -> None:
    assert class_names("own.npz", None, 2) == ["0", "1"]
    assert class_names("breastmnist", None, 2) == DATASETS["breastmnist"].classes
    assert class_names("breastmnist", None, 3) == ["0", "1", "2"]
