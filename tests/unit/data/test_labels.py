from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from xaitui.catalog.records import Task
from xaitui.data.labels import check_labels
from xaitui.errors import DataError, ExitCode


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, ">i4", np.uint64, np.bool_])
@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_class_indices_become_one_column_of_int64(dtype: Any, shape: tuple[int, ...]) -> None:
    labels = check_labels(np.array([0, 1, 1, 0], dtype).reshape(shape), Task.BINARY, 2, "train_labels")
    assert labels.dtype == np.int64
    assert labels.tolist() == [0, 1, 1, 0]


def test_multi_label_rows_keep_their_columns() -> None:
    labels = check_labels(np.eye(3, dtype=np.uint8), Task.MULTI_LABEL, 3, "train_labels")
    assert labels.dtype == np.int64
    assert labels.tolist() == np.eye(3).tolist()


@pytest.mark.parametrize(
    ("labels", "task", "classes", "message"),
    [
        (np.array([0, 1, -1]), Task.MULTI_CLASS, 9, "label -1 at index 2 is outside 0-8"),
        (np.array([[0], [9]], np.uint8), Task.MULTI_CLASS, 9, "label 9 at index 1 is outside 0-8"),
        (np.array([0, 2**64 - 1], np.uint64), Task.BINARY, 2, "label 18446744073709551615 at index 1 is outside 0-1"),
        (np.array([[0, 1], [2, 0]]), Task.MULTI_LABEL, 2, "label 2 at index 1, 0 is outside 0-1"),
        (np.array([0.0, 1.5]), Task.BINARY, 2, "are float64: labels must be whole numbers"),
        (np.array(["a"]), Task.BINARY, 2, "labels must be whole numbers"),
        (np.zeros((3, 2), int), Task.MULTI_CLASS, 2, r"have shape \(3, 2\): multi-class with 2 classes needs \(3,\)"),
        (np.zeros((3, 2), int), Task.MULTI_LABEL, 14, r"have shape \(3, 2\).*needs \(3, 14\)"),
        (np.zeros((), int), Task.MULTI_CLASS, 2, r"have shape \(\)"),
    ],
)
def test_a_bad_label_is_named(labels: NDArray[Any], task: Task, classes: int, message: str) -> None:
    with pytest.raises(DataError, match=f"^val_labels of f.npz.*{message}") as caught:
        check_labels(labels, task, classes, "val_labels of f.npz")
    assert caught.value.exit_code == ExitCode.DATA
    assert "\n" not in str(caught.value)
