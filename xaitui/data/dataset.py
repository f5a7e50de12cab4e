"""Datasets, and their splits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import prod

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.records import DatasetInfo
from xaitui.data.row_file import RowFile
from xaitui.text import listed, shortened

GreyRange = tuple[float, float]
"""Grey levels of 16-bit, 32-bit and floating-point images that become 0 and 255; those between are scaled linearly,
those beyond are clipped."""
Images = NDArray[np.uint8] | RowFile
"""uint8 images of shape (N, H, W, C), in memory or as rows of a file."""


Digests = NDArray[np.uint64]
"""A hash of the pixels of each image, (N,)."""
CHUNK_BYTES = 16 << 20


def chunks(images: Images) -> Iterator[NDArray[np.uint8]]:
    """Yield all images in portions, each of 16 MiB at most, or one image."""
    rows = max(1, CHUNK_BYTES // prod(images.shape[1:]))
    for start in range(0, len(images), rows):
        stop = min(start + rows, len(images))
        if isinstance(images, RowFile):
            portion = np.empty((stop - start, *images.shape[1:]), np.uint8)
            images.read(np.arange(start, stop), portion)
            yield portion
        else:
            yield images[start:stop]


@dataclass(frozen=True)
class Split:
    """A split of a dataset."""

    name: str
    """"train", "val" or "test"."""
    images: Images
    labels: NDArray[np.int64]
    """Class indices of shape (N,), or for multi-label tasks zeros and ones of shape (N, L)."""
    rows: NDArray[np.int64] | None = None
    """Row of each image in the published train split, (N,), if this is a part of it."""

    def __len__(self) -> int:
        return len(self.labels)

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The images of `rows`, uint8 of shape (len(rows), H, W, C), wherever they are kept."""
        if not isinstance(self.images, RowFile):
            return self.images[rows]
        out = np.empty((len(rows), *self.images.shape[1:]), np.uint8)
        self.images.read(rows, out)
        return out


@dataclass(frozen=True)
class DataFile:
    """A data file that was read, recorded with the run."""

    path: str
    md5: str


@dataclass(frozen=True)
class ListedFile:
    """An image file of a folder."""

    name: str
    """Path below the folder."""
    size: int
    """In bytes."""
    md5: str
    """Of its content."""


@dataclass(frozen=True)
class Dataset:
    """The splits of a dataset at one size."""

    info: DatasetInfo
    train: Split
    val: Split
    read_test: Callable[[], Split]
    """Read the test split; called once, after training."""
    test_size: int
    """Number of images that `read_test` returns."""
    files: tuple[DataFile, ...] = ()
    images: tuple[ListedFile, ...] = ()
    """Image files of a folder, train first, each split in the order of its rows."""
    notes: tuple[str, ...] = ()
    """Notes for the user, such as splits that were cut here or a test split of another origin."""
    grey_range: GreyRange | None = None
    """Range by which images of more than 8 bits were converted to bytes; None if there are none."""
    test_digests: Callable[[], Digests] | None = None
    """Digests of the test images; None if the images would have to be read."""
    left_out: tuple[str, ...] = ()
    """Damaged images that were skipped, with the reasons."""
    class_counts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Images of each class, or with each label, by split."""

    def describe_classes(self) -> str:
        """Return the first ten classes with their image counts in each split."""
        counts = zip(*self.class_counts.values(), strict=True)
        words = (
            f"{shortened(name, 30)} {'/'.join(map(str, each))}"
            for name, each in zip(self.info.classes, counts, strict=True)
        )
        return f"{listed(words)} ({'/'.join(self.class_counts)})"

    def split(self, name: str) -> Split:
        """Return the split "train", "val" or "test".

        Raises:
            KeyError: there is no such split.
        """
        return {"train": lambda: self.train, "val": lambda: self.val, "test": self.read_test}[name]()
