"""Published splits of a dataset, before missing ones are cut from train."""

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
"""Version of the rules by which files become classes and splits; a run keeps the version it was created with.

1: runs that record no version. 2: more names and layouts of .npz files, labels from 1, one-hot labels; more names of
splits and image files in folders, and links; every class in each split that is cut; 16-bit grey levels scaled by their
range in train instead of divided by 257.
"""


@dataclass(frozen=True)
class Part:
    """A published split: its checked labels, and its images on demand."""

    labels: NDArray[np.int64]
    """Shape (N,), or (N, L) for multi-label tasks."""
    read: Callable[[], Images]
    """Read the N images, uint8 of shape (N, H, W, C)."""
    digests: Callable[[], Digests] | None = None
    """A hash of each image, (N,), if it is available without reading the images."""


@dataclass(frozen=True)
class Source:
    """Published splits of a dataset."""

    info: DatasetInfo
    parts: Mapping[str, Part]
    """By name: always "train", and "val" and "test" if they were published."""
    files: tuple[DataFile, ...] = ()
    notes: tuple[str, ...] = ()
    grey_range: GreyRange | None = None
    """Range by which images of more than 8 bits were converted to bytes; None if there are none."""
    left_out: tuple[str, ...] = ()
    """Damaged images that were skipped, with the reasons."""
    images: tuple[ListedFile, ...] = ()
    """Image files of a folder."""


@dataclass(frozen=True)
class Residency:
    """Limits on images in memory, and the folder for unpacked ones."""

    limit: int
    """Largest split in bytes that is read into memory."""
    cache_dir: Path | None = None
    """Folder for unpacked arrays; by default the user's cache."""
    report: Report = no_report
    """Called with the progress of hashing and unpacking, which take minutes for many GB."""
