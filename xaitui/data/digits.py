"""The default dataset: 1,797 handwritten digits included with scikit-learn, available offline."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.records import DatasetInfo
from xaitui.data.source import Part, Source


def digits_source(info: DatasetInfo) -> Source:
    """Return the digits, grey 8x8, as one training split, the only one published.

    Their values 0-16 become ``x * 255 / 16``, rounded to the nearest whole number.
    """
    table = _read_table()
    images = np.rint(table[:, :-1] * 255 / 16).astype(np.uint8).reshape(-1, 8, 8, 1)
    return Source(info, {"train": Part(table[:, -1].astype(np.int64), lambda: images)})


def _read_table() -> NDArray[Any]:
    """Return 64 values and the label of each digit.

    `load_digits` would be the front door, but importing sklearn takes seconds, scipy and pandas along, for a table that
    is read in milliseconds; it is asked only where the file has moved.
    """
    package = importlib.util.find_spec("sklearn")
    if package is not None and package.origin is not None:
        path = Path(package.origin).parent / "datasets/data/digits.csv.gz"
        if path.is_file():
            return np.loadtxt(path, delimiter=",")
    from sklearn.datasets import load_digits

    digits = load_digits()
    return np.column_stack((digits.data, digits.target))
