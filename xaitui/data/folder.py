"""An own folder of pictures by class: ``folder/CLASS/*.png``, or ``folder/train|val|test/CLASS/*.png``."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from xaitui.catalog.records import DatasetInfo, Task
from xaitui.data.dataset import DataFile, Images
from xaitui.data.decode import RULES
from xaitui.data.decoded import decoded_rows
from xaitui.data.fingerprint import file_md5
from xaitui.data.folder_listing import Listing, list_pictures
from xaitui.data.rows import RowFile
from xaitui.data.source import DATA_RULES, Part, Residency, Source
from xaitui.text import printable


def folder_source(folder: Path, side: int, residency: Residency, rules: int = DATA_RULES) -> Source:
    """Return the pictures of a folder, `side` px square; its subfolders, in alphabetical order, are the classes.

    Where `side` is 0 it is the most common shorter side, 224 px at most. The set is grey if every picture is.

    Raises:
        DataError: a class is empty or not known in train, or a picture cannot be used; the message names it.
    """
    listing = list_pictures(folder, rules)
    pictures = {split: [path for path, _ in found] for split, found in listing.pictures.items()}
    rows = decoded_rows(folder, pictures, side, residency)
    _, height, width, channels = rows["train"].shape
    info = folder_info(folder, listing, height, channels)
    parts = {split: Part(listing.labels(split), partial(_read, rows[split], residency.limit)) for split in rows}
    files = tuple(DataFile(str(file.path), file_md5(file.path)) for file in rows.values())
    note = f"pictures became {height}x{width} {'grey' if channels == 1 else 'RGB'}: {RULES}"
    return Source(info, parts, files, (note, *listing.notes))


def folder_info(folder: Path, listing: Listing, side: int, channels: int) -> DatasetInfo:
    """Describe the set that the pictures of a folder are, `side` px square."""
    return DatasetInfo(
        name=printable(folder.resolve().name),
        title=f"own pictures in {printable(folder)}",
        task=Task.BINARY if len(listing.classes) == 2 else Task.MULTI_CLASS,
        classes=tuple(map(printable, listing.classes)),
        channels=channels,
        sizes=(side,),
        counts=listing.counts,
        licence="",
    )


def _read(rows: RowFile, limit: int) -> Images:
    if rows.nbytes > limit:
        return rows
    return np.fromfile(rows.path, np.uint8, offset=rows.offset).reshape(rows.shape)
