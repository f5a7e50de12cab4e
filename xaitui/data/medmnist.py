"""Sets in MedMNIST's form: an .npz with ``train_images``, ``train_labels``, and so on; official ones and one's own.

Images are uint8 (N, S, S), or (N, S, S, C) with 1 or 3 channels; labels whole numbers (N,), (N, 1), or for a
multi-label task zeros and ones (N, L). Of one's own file only the train arrays must be there; `npz_layout` and
`labels` say which other names and layouts are understood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.records import DatasetInfo, Task
from xaitui.catalog.splits import SPLITS
from xaitui.data.dataset import DataFile, Images
from xaitui.data.fingerprint import file_md5
from xaitui.data.labels import LabelForm, infer_form, known_form
from xaitui.data.npz import read_array
from xaitui.data.npz_layout import Arrays, check_numbers, find_arrays, read_image_rows, read_images
from xaitui.data.source import DATA_RULES, Part, Residency, Source
from xaitui.errors import DataError
from xaitui.text import printable


def official_source(info: DatasetInfo, size: int, file: DataFile, residency: Residency) -> Source:
    """Return the published splits of a catalog dataset; raise DataError if the file differs from the catalog."""
    path = Path(file.path)
    arrays, _ = find_arrays(path, 1)
    counts = _counts(arrays)
    shape = arrays["train"].image_shape
    if counts != info.counts or shape != (size, size, info.channels):
        raise DataError(
            f"{printable(path)} is not {info.name} at {size} px: it has {counts} images of shape {shape},"
            f" not {info.counts} of {(size, size, info.channels)}"
        )
    return Source(info, _parts(path, arrays, LabelForm(info.task, info.classes), residency), (file,))


def own_source(path: Path, residency: Residency, rules: int = DATA_RULES) -> Source:
    """Return the splits of the user's own file; task and classes are inferred by a version of the rules.

    Raises:
        DataError: an array is missing, has another type or shape than the form asks for, or a label is bad.
    """
    arrays, notes = find_arrays(path, rules)
    labels = {name: read_array(path, split.labels) for name, split in arrays.items()}
    form = infer_form(labels, {name: _where(path, split) for name, split in arrays.items()}, rules)
    return _own(path, arrays, form, residency, (*notes, *form.notes))


def foreign_source(path: Path, task: Task, classes: tuple[str, ...], channels: int, residency: Residency) -> Source:
    """Return the splits of a file to evaluate with a trained model; any of them may be missing.

    Args:
        path: an ``.npz``.
        task, classes, channels: what the model knows; the file need not have an image of every class.
        residency: which images stay on disk.

    Raises:
        DataError: an array is not in the form, or the model cannot know its images or labels.
    """
    arrays, notes = find_arrays(path, DATA_RULES, needs_train=False)
    found = next(iter(arrays.values())).image_shape[2]
    if found != channels:
        raise DataError(f"{printable(path)} has images of {found} channels; the model takes {channels}")
    form = known_form(task, classes, (read_array(path, split.labels) for split in arrays.values()))
    return _own(path, arrays, form, residency, tuple(notes))


def read_train_rows(path: Path, rows: Sequence[int]) -> NDArray[np.uint8]:
    """Read some training images of a file, in ascending order, as uint8 (n, S, S, C)."""
    return read_image_rows(path, find_arrays(path, DATA_RULES)[0]["train"], rows)


def _own(
    path: Path, arrays: Mapping[str, Arrays], form: LabelForm, residency: Residency, notes: tuple[str, ...]
) -> Source:
    size, _, channels = next(iter(arrays.values())).image_shape
    info = DatasetInfo(
        name=printable(path.stem),
        title=f"own file {printable(path.name)}",
        task=form.task,
        classes=form.classes,
        channels=channels,
        sizes=(size,),
        counts=_counts(arrays),
        licence="",
    )
    file = DataFile(str(path.resolve()), file_md5(path))
    return Source(info, _parts(path, arrays, form, residency), (file,), notes)


def _parts(path: Path, arrays: Mapping[str, Arrays], form: LabelForm, residency: Residency) -> dict[str, Part]:
    for split in arrays.values():
        check_numbers(path, split, residency.limit)
    return {
        name: Part(
            form.read(read_array(path, split.labels), _where(path, split)),
            partial(_read_images, path, split, residency),
        )
        for name, split in arrays.items()
    }


def _where(path: Path, split: Arrays) -> str:
    return f"{split.labels.name} in {printable(path)}"


def _read_images(path: Path, split: Arrays, residency: Residency) -> Images:
    if split.is_plain and split.images.nbytes > residency.limit:
        from xaitui.data.array_cache import cached_rows

        return cached_rows(path, f"{split.images.name}.npy", cache_dir=residency.cache_dir, report=residency.report)
    return read_images(path, split)


def _counts(arrays: Mapping[str, Arrays]) -> tuple[int, int, int]:
    train, val, test = (arrays[name].count if name in arrays else 0 for name in SPLITS)
    return train, val, test
