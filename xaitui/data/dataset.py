"""What every source of images becomes: a data set of named splits."""

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
"""uint8 images of shape (N, H, W, C): in memory, or rows of a file that does not fit there."""


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
    """Images and labels that are used together."""

    name: str
    """"train", "val" or "test"."""
    images: Images
    labels: NDArray[np.int64]
    """Class indices of shape (N,), or for multi-label tasks zeros and ones of shape (N, L)."""
    rows: NDArray[np.int64] | None = None
    """Where each image stands in the published train split, (N,), if this is a part of it."""

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
    """A file that was read, so that a run can say later what it was trained on."""

    path: str
    md5: str


@dataclass(frozen=True)
class ListedFile:
    """An image file of an own folder."""

    name: str
    """Path below the folder."""
    size: int
    """In bytes."""
    md5: str
    """Of its content."""


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
    images: tuple[ListedFile, ...] = ()
    """The image files of an own folder, those of train first, each split in the order of its rows."""
    notes: tuple[str, ...] = ()
    """What a user must be told: splits that were cut here, a test split of another origin."""
    grey_range: GreyRange | None = None
    """By which images of more than 8 bits were made bytes; None where there are none."""
    test_digests: Callable[[], Digests] | None = None
    """Of the test images, where they are kept beside them; None where test would have to be read for them."""
    left_out: tuple[str, ...] = ()
    """Damaged images that are in no split, each with the reason."""
    class_counts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Images of each class, or with each label, in each split by its name."""

    def describe_classes(self) -> str:
        """Name the first ten classes, with their images in each split."""
        counts = zip(*self.class_counts.values(), strict=True)
        words = (
            f"{shortened(name, 30)} {'/'.join(map(str, each))}"
            for name, each in zip(self.info.classes, counts, strict=True)
        )
        return f"{listed(words)} ({'/'.join(self.class_counts)})"

    def split(self, name: str) -> Split:
        """The split that is called "train", "val" or "test".

        Raises:
            KeyError: there is no such split.
        """
        return {"train": lambda: self.train, "val": lambda: self.val, "test": self.read_test}[name]()
