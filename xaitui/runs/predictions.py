"""Stored predictions: arrays for this package, and MedMNIST's result file for its evaluator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.records import DatasetInfo
from xaitui.errors import DataError
from xaitui.runs.directory import GONE
from xaitui.system.atomic_files import replacing
from xaitui.system.damaged_files import FILE_DAMAGE
from xaitui.system.hash_log import forget


@dataclass(frozen=True)
class Predictions:
    """Predictions of a run's best weights for a split, in its order."""

    probabilities: NDArray[np.float32]
    """Of shape (N, C)."""
    labels: NDArray[np.int64]
    """Class indices (N,), or zeros and ones (N, L) for multi-label tasks."""
    rows: NDArray[np.int64] | None = None
    """Index of each image in the published split that this one was cut from, (N,); None if it was not cut."""
    weights: str = ""
    """Description of the weights; empty in older files."""

    @property
    def has_several_labels(self) -> bool:
        """Whether an image may have several labels."""
        return self.labels.ndim > 1

    @property
    def indices(self) -> NDArray[np.int64]:
        """Index of each image in the run's split, (N,)."""
        return np.arange(len(self.labels))


def write_predictions(
    path: Path,
    probabilities: NDArray[np.float32],
    labels: NDArray[np.int64],
    *,
    rows: NDArray[np.int64] | None = None,
    weights: str = "",
) -> None:
    """Write probabilities (N, C) and labels (N,) or (N, L), in the order of the split."""
    path.parent.mkdir(exist_ok=True)
    found = Predictions(probabilities, labels, rows, weights)
    placed: dict[str, Any] = {"indices": found.indices, **({} if rows is None else {"rows": rows})}
    with replacing(path) as file:
        np.savez_compressed(file, probabilities=probabilities, labels=labels, weights=np.array(weights), **placed)


def read_predictions(path: Path) -> Predictions:
    """Read a file of `write_predictions`.

    Raises:
        DataError: it is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            rows = arrays.get("rows")
            weights = str(arrays["weights"]) if "weights" in arrays else ""
            found = Predictions(arrays["probabilities"], arrays["labels"], rows, weights)
    except FileNotFoundError:
        there = path.parents[1].exists()
        raise DataError(f"it has no {path.stem} predictions" if there else GONE) from None
    except FILE_DAMAGE:
        raise DataError(f"its {path.stem} predictions are damaged") from None
    if not _is_whole(found):
        raise DataError(f"its {path.stem} predictions are damaged")
    return found


def _is_whole(found: Predictions) -> bool:
    shape, labels = found.probabilities.shape, found.labels
    fits = len(shape) == 2 and shape[0] > 0 and labels.shape in (shape[:1], shape) and labels.dtype.kind == "i"
    if not fits or found.probabilities.dtype != np.float32 or labels.min() < 0:
        return False
    placed = found.rows is None or (found.rows.shape == shape[:1] and found.rows.dtype.kind == "i")
    return placed and bool(labels.max() < (2 if found.has_several_labels else shape[1]))


def write_medmnist_result(
    folder: Path,
    info: DatasetInfo,
    size: int,
    split: str,
    scores: Mapping[str, float],
    probabilities: NDArray[np.float32],
) -> None:
    """Write a file for `medmnist.Evaluator.parse_and_evaluate`: index and scores, no header."""
    flag = info.name if size == 28 else f"{info.name}_{size}"
    name = f"{flag}_{split}_[AUC]{scores['auc']:.3f}_[ACC]{scores['accuracy']:.3f}@xaitui.csv"
    for old in folder.glob(f"{flag}_{split}_*@xaitui.csv"):
        forget(old)
        old.unlink()
    with replacing(folder / name) as file:
        for index, row in enumerate(probabilities.tolist()):
            file.write((",".join([str(index), *(repr(value) for value in row)]) + "\n").encode())
