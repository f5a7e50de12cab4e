"""What every source of images becomes: a data set of named splits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.records import DatasetInfo
from xaitui.data.rows import RowFile

Images = NDArray[np.uint8] | RowFile
"""uint8 images of shape (N, H, W, C): in memory, or rows of a file that does not fit there."""


@dataclass(frozen=True)
class Split:
    """Images and labels that are used together."""

    name: str
    """"train", "val" or "test"."""
    images: Images
    labels: NDArray[np.int64]
    """Class indices of shape (N,), or for multi-label tasks zeros and ones of shape (N, L)."""

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class DataFile:
    """A file that was read, so that a run can say later what it was trained on."""

    path: str
    md5: str


@dataclass(frozen=True)
class Dataset:
    """The splits of one set at one size."""

    info: DatasetInfo
    train: Split
    val: Split
    read_test: Callable[[], Split]
    """Reads the test split; it is called once, when the training is over."""
    test_size: int
    """Number of images that `read_test` will give."""
    files: tuple[DataFile, ...] = ()
    notes: tuple[str, ...] = ()
    """What a user must be told: splits that were cut here, a test split of another origin."""
