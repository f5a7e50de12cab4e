"""What a source of images offers, before missing splits are cut from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.records import DatasetInfo
from xaitui.data.dataset import DataFile, Digests, GreyRange, Images, ListedFile
from xaitui.system.disk import Report, no_report

DATA_RULES = 2
"""Version of the rules by which files become classes and splits; a run keeps to the version it was made with.

1: runs that note no version. 2: more names and layouts of own .npz files, labels from 1, one-hot labels; of folders
more names of splits and of images, and links; every class in each split that is cut; grey levels of 16-bit images by
their range in train, which were divided by 257.
"""


@dataclass(frozen=True)
class Part:
    """One split as it was published: its labels, checked already, and its images on demand."""

    labels: NDArray[np.int64]
    """Of shape (N,), or (N, L) for multi-label tasks."""
    read: Callable[[], Images]
    """Reads the N images, uint8 of shape (N, H, W, C)."""
    digests: Callable[[], Digests] | None = None
    """A hash of each image, (N,), where the images need not be read for it."""


@dataclass(frozen=True)
class Source:
    """The published splits of one set."""

    info: DatasetInfo
    parts: Mapping[str, Part]
    """By name: "train" always, "val" and "test" where they were published."""
    files: tuple[DataFile, ...] = ()
    notes: tuple[str, ...] = ()
    grey_range: GreyRange | None = None
    """By which images of more than 8 bits were made bytes; None where there are none."""
    left_out: tuple[str, ...] = ()
    """Damaged images that are not among the parts, each with the reason."""
    images: tuple[ListedFile, ...] = ()
    """The image files of an own folder."""


@dataclass(frozen=True)
class Residency:
    """Which images are read into memory, and where the others are unpacked."""

    limit: int
    """A split of more bytes stays on disk."""
    cache_dir: Path | None = None
    """Folder for unpacked arrays; the user's cache where it is not given."""
    report: Report = no_report
    """Told how far hashing and unpacking are, which take minutes for a set of many GB."""
