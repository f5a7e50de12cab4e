"""Folders of images by class: ``folder/CLASS/*.png``, or ``folder/train|val|test/CLASS/*.png``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from xaitui.catalog.records import DatasetInfo, Task
from xaitui.data.array_cache import array_folder
from xaitui.data.dataset import DataFile, GreyRange, Images
from xaitui.data.duplicates import image_digests
from xaitui.data.fingerprint import file_md5
from xaitui.data.folder_listing import Listing, list_known, list_pictures
from xaitui.data.manifest import listed_files
from xaitui.data.picture import decoding_rules, range_text
from xaitui.data.picture_cache import DamagedImagesError, Form, decoded_rows
from xaitui.data.row_file import RowFile
from xaitui.data.source import DATA_RULES, Part, Residency, Source
from xaitui.data.splits import Labels, Rows
from xaitui.data.survey import Survey, survey_pictures
from xaitui.text import printable


@dataclass(frozen=True)
class Decoding:
    """Decoding options of a folder."""

    skip_damaged: bool = False
    """Skip damaged images instead of rejecting the folder."""
    grey_range: GreyRange | None = None
    """Range of images of more than 8 bits as recorded by an earlier run; else that of the training images."""
    version: int = DATA_RULES
    """Version of the rules for the user's own data."""
    train_rows: Callable[[Mapping[str, Labels]], Rows] = lambda labels: np.arange(len(labels["train"]))
    """Map the labels of each split that has a folder to the rows of train that are used for training."""


def folder_source(folder: Path, side: int, residency: Residency, decoding: Decoding = Decoding()) -> Source:
    """Return the images of a folder, `side` px square; its subfolders in alphabetical order are the classes.

    Where `side` is 0 it is the most common shorter side, 224 px at most. The set is grey if every picture is.

    Raises:
        DataError: a class is empty or not known in train, or pictures cannot be used; the message names them.
    """
    return _source(folder, list_pictures(folder, decoding.version), side, 0, residency, decoding)


def known_folder_source(
    folder: Path, classes: Sequence[str], side: int, channels: int, residency: Residency, decoding: Decoding
) -> Source:
    """Return the images of a folder to evaluate with a trained model, in the form that it takes.

    Args:
        folder: has a subfolder for each class, or split folders with those, as in `list_known`.
        classes: what the model knows; the folder need not have an image of every class.
        side: in pixels.
        channels: 1 or 3.
        residency: which images stay on disk.
        decoding: with the grey range of the model's run; None divides 16-bit images by 257.

    Raises:
        DataError: a class is not known, or pictures cannot be used.
    """
    return _source(folder, list_known(folder, classes), side, channels, residency, replace(decoding, version=1))


def _source(
    folder: Path, listing: Listing, side: int, known_channels: int, residency: Residency, decoding: Decoding
) -> Source:
    """Decode the images of a listing; `known_channels` is 0 if the channels follow from the images."""
    name = re.sub(r"[^\w-]", "_", folder.resolve().name)[:80]
    files = listed_files(folder, listing.paths, residency.report)
    survey = survey_pictures(folder, files, residency.cache_dir or array_folder(), name)
    if survey.damaged and not decoding.skip_damaged:
        raise survey.checked().refusal(can_skip=not known_channels)
    while True:
        usable = listing.without(survey.damaged)
        grey_range, about_grey = _grey_range(survey, usable, decoding)
        pictures = {split: [path for path, _ in found] for split, found in usable.pictures.items()}
        try:
            rows = decoded_rows(survey, pictures, Form(side, grey_range, known_channels), residency)
            break
        except DamagedImagesError as error:
            survey = survey.with_damage(error.damaged)
            if not decoding.skip_damaged:
                raise survey.refusal(can_skip=not known_channels) from None
    _, height, width, channels = next(iter(rows.values())).shape
    colours = "grey" if channels == 1 else "RGB"
    has_deep = any(path in survey.levels for path in usable.paths)
    said = f"pictures became {height}x{width} {colours}: {decoding_rules(grey_range, has_deep=has_deep)}"
    return Source(
        info=folder_info(folder, usable, height, channels),
        parts={
            split: Part(usable.labels(split), partial(_read, images, residency.limit), partial(image_digests, images))
            for split, images in rows.items()
        },
        files=tuple(DataFile(str(file.path), file_md5(file.path)) for file in rows.values()),
        notes=tuple(filter(None, [said, about_grey, survey.skip_note(), *listing.notes])),
        grey_range=grey_range,
        left_out=survey.left_out(),
        images=tuple(files[path] for path in usable.paths),
    )


def _grey_range(survey: Survey, listing: Listing, decoding: Decoding) -> tuple[GreyRange | None, str]:
    """Return the range for images of more than 8 bits, or None, and a note about it.

    It is the range of the images that are trained on, to the last grey level: percentiles would clip the few bright
    pixels that may be all there is to see, as calcifications are. What is beyond in other splits is clipped.
    """
    if decoding.version == 1 or decoding.grey_range:
        return decoding.grey_range, ""
    deep = sum(path in survey.levels for path in listing.paths)
    if not deep:
        return None, ""
    if deep < len(listing.paths):
        return None, f"{deep:,} of {len(listing.paths):,} images have 16 bits and are divided by 257, the others have 8"
    train = listing.pictures["train"]
    rows = decoding.train_rows({split: listing.labels(split) for split in listing.pictures})
    levels = np.array([survey.levels[train[row][0]] for row in rows.tolist()])
    grey_range = float(levels[:, 0].min()), float(levels[:, 1].max())
    return grey_range, f"16-bit images: grey levels {range_text(grey_range)} of train become 0 to 255"


def folder_info(folder: Path, listing: Listing, side: int, channels: int) -> DatasetInfo:
    """Return the record of the images of a folder as a dataset, `side` px square."""
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
