"""Other data on which a trained run can be evaluated."""

from __future__ import annotations

from pathlib import Path

from xaitui.catalog.datasets import is_folder, is_npz
from xaitui.catalog.records import Task
from xaitui.data.folder import Decoding, known_folder_source
from xaitui.data.medmnist import foreign_source
from xaitui.data.source import Residency, Source
from xaitui.errors import DataError
from xaitui.runs.preprocessing import Preprocessing
from xaitui.text import printable


def open_other(path: Path, known: Preprocessing, residency: Residency, *, skip_damaged: bool) -> Source:
    """Open an ``.npz``, or a folder of images by class, for a trained model.

    Args:
        path: the file or folder.
        known: preprocessing and classes of the model.
        residency: which images stay on disk.
        skip_damaged: whether to skip damaged images of a folder instead of refusing it.

    Raises:
        DataError: the data cannot be used, or do not fit the model.
    """
    if is_folder(path):
        if known.task is Task.MULTI_LABEL:
            raise DataError(f"{printable(path)} is a folder, where an image has one class; this run needs an .npz file")
        decoding = Decoding(skip_damaged, known.grey_range)
        return known_folder_source(path, known.classes, known.source_size, known.channels, residency, decoding)
    if not is_npz(path):
        raise DataError(f"{printable(path)} is neither an .npz file in MedMNIST's form nor a folder of images by class")
    return foreign_source(path, known.task, known.classes, known.channels, residency)
