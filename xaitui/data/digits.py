"""The embedded default: 1,797 real handwritten digits that scikit-learn carries with it, so no network is needed."""

from __future__ import annotations

import numpy as np

from xaitui.catalog.records import DatasetInfo
from xaitui.data.source import Part, Source


def digits_source(info: DatasetInfo) -> Source:
    """Return the digits, grey 8x8, as one training split: nothing else was published.

    Their values 0-16 become ``x * 255 / 16``, rounded to the nearest whole number.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.rint(digits.images * 255 / 16).astype(np.uint8)[..., np.newaxis]
    return Source(info, {"train": Part(digits.target.astype(np.int64), lambda: images)})
