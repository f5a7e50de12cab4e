"""Predictions on disk: arrays for our own tools, and MedMNIST's result file for its evaluator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.records import DatasetInfo
from xaitui.files import replacing


def write_predictions(path: Path, probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> None:
    """Write probabilities (N, C) and labels (N,) or (N, L), in the order of the split."""
    path.parent.mkdir(exist_ok=True)
    with replacing(path) as file:
        np.savez_compressed(file, probabilities=probabilities, labels=labels)


def write_medmnist_result(
    folder: Path, info: DatasetInfo, size: int, split: str, scores: dict[str, float], probabilities: NDArray[np.float32]
) -> None:
    """Write the file that `medmnist.Evaluator.parse_and_evaluate` reads: index and scores, no header."""
    flag = info.name if size == 28 else f"{info.name}_{size}"
    name = f"{flag}_{split}_[AUC]{scores['auc']:.3f}_[ACC]{scores['accuracy']:.3f}@xaitui.csv"
    for old in folder.glob(f"{flag}_{split}_*@xaitui.csv"):
        old.unlink()
    with replacing(folder / name) as file:
        for index, row in enumerate(probabilities.tolist()):
            file.write((",".join([str(index), *(repr(value) for value in row)]) + "\n").encode())
