from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xaitui.errors import DataError
from xaitui.runs.predictions import read_predictions, write_predictions


@pytest.mark.parametrize("shape", [(5,), (5, 3)])
def test_what_is_written_is_read_back(shape: tuple[int, ...], tmp_path: Path) -> None:
    probabilities, labels = np.random.default_rng(0).random((5, 3), np.float32), np.ones(shape, np.int64)
    write_predictions(tmp_path / "predictions/val.npz", probabilities, labels)
    found = read_predictions(tmp_path / "predictions/val.npz")
    assert np.array_equal(found.probabilities, probabilities)
    assert np.array_equal(found.labels, labels)
    assert found.has_several_labels == (len(shape) == 2)


def test_predictions_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="it has no test predictions"):
        read_predictions(tmp_path / "test.npz")


def test_damaged_predictions(tmp_path: Path) -> None:
    path = tmp_path / "val.npz"
    write_predictions(path, np.ones((5, 3), np.float32), np.ones(5, np.int64))
    whole = path.read_bytes()
    for content in (b"", b"no archive", whole[:-40], whole.replace(b"labels", b"levels")):
        path.write_bytes(content)
        with pytest.raises(DataError, match="its val predictions are damaged"):
            read_predictions(path)
    for labels in (np.ones(4, np.int64), np.ones(5), np.ones((5, 2), np.int64)):
        write_predictions(path, np.ones((5, 3), np.float32), labels)  # type: ignore[arg-type]
        with pytest.raises(DataError, match="its val predictions are damaged"):
            read_predictions(path)
