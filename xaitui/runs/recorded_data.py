"""Record of the data of a run, and its comparison with the current data."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from xaitui.catalog.datasets import DATASETS
from xaitui.data.dataset import DataFile, Dataset, ListedFile
from xaitui.data.locate import user_path
from xaitui.data.manifest import from_rows, pack, to_rows, unpack
from xaitui.errors import DataError
from xaitui.events import Event, RunResumed
from xaitui.runs.directory import RunDirectory
from xaitui.runs.environment import read_data_files
from xaitui.runs.listing.settings import read_settings
from xaitui.runs.preprocessing import read_preprocessing
from xaitui.system.atomic_files import write_atomic
from xaitui.system.damaged_files import RECORD_DAMAGE
from xaitui.text import listed, printable, shortened

MOST_NAMED = 10
"""Most image files that a message names."""
ACCEPT = "--accept-changed-data"


@dataclass(frozen=True)
class DataRecord:
    """The files of a run's data."""

    files: tuple[DataFile, ...] = ()
    """For a user's folder these are the arrays of its decoded images."""
    images: tuple[ListedFile, ...] = ()
    """The image files of a user's folder; empty for older runs."""


def read_record(run: RunDirectory) -> DataRecord:
    """The record of a run's data; empty if none can be read."""
    try:
        record = unpack(run.data.read_bytes())
        files = tuple(DataFile(str(path), str(md5)) for path, md5 in record["files"])
        return DataRecord(files, from_rows(record["images"]))
    except RECORD_DAMAGE:
        return DataRecord(read_data_files(run.environment))


def write_record(run: RunDirectory, dataset: Dataset) -> None:
    """Record the data that the run uses from now on.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    files = [[file.path, file.md5] for file in dataset.files]
    write_atomic(run.data, pack({"files": files, "images": to_rows(dataset.images)}))


@dataclass(frozen=True)
class Difference:
    """Differences of the current data from those of a run."""

    content: str = ""
    """Difference of content, in one line; empty if there is none."""
    decoding: str = ""
    """Why the same files decode to other pixels; empty if they do not."""


def compare(run: RunDirectory, name: str, dataset: Dataset) -> Difference:
    """Compare a dataset with the record of a run.

    Datasets of the catalog are not compared: their files are checked against published MD5 sums when opened.

    Args:
        run: the run.
        name: the setting by which the dataset was opened.
        dataset: the dataset.
    """
    record = read_record(run)
    if name in DATASETS or not record.files:
        return Difference()
    others, missing = _without(dataset.files, record.files), _without(record.files, dataset.files)
    if not dataset.images:
        lines = [f"{printable(file.path)} is not the file that the run was made with" for file in others]
        lines += [f"{printable(file.path)}, which the run was made with, is not used any more" for file in missing]
        return Difference(lines[0] if lines else "")
    where = printable(user_path(name).absolute())
    if not record.images:
        unknown = f"the images of {where} are not those of the run, or are decoded otherwise than they were"
        return Difference(unknown if others or missing else "")
    changed = _changed_images(record.images, dataset.images)
    if changed:
        return Difference(f"the images of {where} are not those of the run: {changed}")
    return Difference(decoding=f"the images of {where} are decoded otherwise than they were" if others else "")


def _without(files: Sequence[DataFile], known: Sequence[DataFile]) -> list[DataFile]:
    """The files whose content is not among the known ones."""
    contents = {file.md5 for file in known}
    return [file for file in files if file.md5 not in contents]


def _changed_images(before: Sequence[ListedFile], now: Sequence[ListedFile]) -> str:
    """Number of image files added, changed and removed, and the first names."""
    old, new = ({file.name: file for file in files} for files in (before, now))
    added = [name for name in new if name not in old]
    changed = [name for name in new if name in old and new[name] != old[name]]
    removed = [name for name in old if name not in new]
    names = [*added, *changed, *removed]
    if not names:
        return "they come in another order" if list(old) != list(new) else ""
    counts = f"{len(added):,} added, {len(changed):,} changed, {len(removed):,} removed"
    return f"{counts}: {listed(names, MOST_NAMED)}"


def require_same(run: RunDirectory, name: str, dataset: Dataset, *, accept: bool = False) -> Difference:
    """Refuse data that are not those of the run, unless they are accepted.

    Args:
        run: the run.
        name: the setting by which the dataset was opened.
        dataset: the dataset.
        accept: whether other data are accepted; not those of other classes, nor of another size or kind of image.

    Raises:
        DataError: says what differs.
    """
    found = compare(run, name, dataset)
    if found.content and not accept:
        raise DataError(f"{found.content}; to use them all the same, add {ACCEPT}")
    if found.content and (known := read_preprocessing(run.preprocessing)) is not None:
        now = (dataset.info.classes, dataset.train.images.shape[1], dataset.info.channels)
        if now != (known.classes, known.source_size, known.channels):
            raise DataError(
                f"{found.content}; the run cannot go on with them: {_form(*now)}, not "
                f"{_form(known.classes, known.source_size, known.channels)}"
            )
    return found


def _form(classes: Sequence[str], side: int, channels: int) -> str:
    """The classes and the form of images, in words."""
    kind = "grey" if channels == 1 else "RGB"
    return f"{side} px {kind} images of {shortened(', '.join(map(printable, classes)))}"


def accepted_changes(events: Iterable[Event]) -> list[str]:
    """How the data of a run were changed since it was made, with a user's consent; each change in one line."""
    changes = [event.changed_data for event in events if isinstance(event, RunResumed) and event.changed_data]
    return [f"trained on changed data: {change}" for change in changes]


def same_data(one: RunDirectory, other: RunDirectory) -> bool:
    """Whether two runs were made with the same data, wherever these lie."""
    names = [str(read_settings(run).get("data.dataset")) for run in (one, other)]
    if names[0] in DATASETS or names[1] in DATASETS:
        return names[0] == names[1]
    ours, theirs = read_record(one), read_record(other)
    if ours.images and theirs.images:
        return ours.images == theirs.images
    md5s = [sorted(file.md5 for file in record.files) for record in (ours, theirs)]
    return names[0] == names[1] or (bool(md5s[0]) and md5s[0] == md5s[1])


def find_place(run: RunDirectory, name: str) -> str:
    """The place of a run's dataset: `name`, or where an early run with a relative path has recorded its .npz file.

    Raises:
        DataError: an own dataset is not there; says which.
    """
    if name in DATASETS or os.path.exists(user_path(name)):  # noqa: PTH110 -- where it cannot be told, it is not there
        return name
    for file in read_data_files(run.environment):
        path = Path(file.path)
        if path.suffix == ".npz" and path.name == Path(name).name and os.path.exists(path):  # noqa: PTH110
            return file.path
    raise DataError(
        f"there is no {printable(user_path(name).absolute())}, the dataset of {run.id}: "
        "if it has moved, add --dataset PATH"
    )
