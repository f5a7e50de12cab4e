"""Which arrays of an .npz file are the images and labels of which split, and in which layout the images are.

MedMNIST's names come first; names that other libraries give are understood where they leave no doubt. Images that are
not uint8 with channels last are converted in memory where their numbers leave no doubt, or refused with the code that
converts them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isqrt, prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.splits import SPLITS
from xaitui.config.units import format_size
from xaitui.data.npz import Member, array_names, read_array, read_headers, read_rows
from xaitui.errors import DataError
from xaitui.text import listed, printable

_SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "train": ("train",),
    "val": ("val", "valid", "validation"),
    "test": ("test",),
}
_FORMS: Mapping[str, tuple[str, ...]] = {
    "images": ("{}_images", "x_{}", "{}_x"),
    "labels": ("{}_labels", "y_{}", "{}_y"),
}
_BLOCK = 64 << 20
"""Bytes of images whose values are checked at a time."""
_SMALLEST = 5
"""Side in pixels from which on an axis of 1 or 3 in front of two others is that of the channels."""


@dataclass(frozen=True)
class Arrays:
    """Image and label arrays of a split, known from their headers."""

    images: Member
    labels: Member

    @property
    def count(self) -> int:
        """Number of images."""
        return self.images.shape[0]

    @property
    def channels_first(self) -> bool:
        """Whether the images are (N, C, S, S), as PyTorch has them."""
        shape = self.images.shape
        return len(shape) == 4 and shape[1] in (1, 3) and min(shape[2:]) >= _SMALLEST and shape[3] not in (1, 3)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(S, S, C); grey images may be stored without a channel axis."""
        if self.channels_first:
            channels, height, width = self.images.shape[1:]
        else:
            height, width, channels = (*self.images.shape[1:], 1)[:3]
        return height, width, channels

    @property
    def is_plain(self) -> bool:
        """Whether the file stores them as (N, S, S, C)."""
        return self.images.dtype == np.uint8 and not self.channels_first

    def arranged(self, images: NDArray[Any]) -> NDArray[np.uint8]:
        """Convert stored images to uint8 (n, S, S, C)."""
        if self.channels_first:
            images = np.moveaxis(images, 1, -1)
        return np.ascontiguousarray(images.reshape(len(images), *self.image_shape), np.uint8)


def find_arrays(path: Path, rules: int, *, needs_train: bool = True) -> tuple[dict[str, Arrays], list[str]]:
    """Return the splits of a file, all with images of one shape, and notes for the user.

    Args:
        path: the file.
        rules: version of the rules; the first one knows MedMNIST's names alone.
        needs_train: whether train must be among them.

    Raises:
        DataError: an array is missing, has another type or shape, or could be one of several.
    """
    present = array_names(path)
    names = _names(path, present, rules)
    headers = read_headers(path, names.values())
    arrays = {}
    for split in SPLITS:
        images, labels = (names.get((split, kind)) for kind in _FORMS)
        if images is not None and labels is not None:
            arrays[split] = Arrays(headers[images], headers[labels])
        elif (split == "train" and needs_train) or images is not None or labels is not None:
            raise DataError(_missing(path, split, "images" if images is None else "labels", present))
    if not arrays:
        raise DataError(f"{printable(path)} has no arrays test_images and test_labels, nor those of another split")
    first = next(iter(arrays.values()))
    for found in arrays.values():
        _check_form(path, found, first)
    return arrays, list(_notes(names, present, arrays)) if rules > 1 else []


def read_images(path: Path, arrays: Arrays) -> NDArray[np.uint8]:
    """Read the images of a split as uint8 (N, S, S, C)."""
    return arrays.arranged(read_array(path, arrays.images))


def read_image_rows(path: Path, arrays: Arrays, rows: Sequence[int]) -> NDArray[np.uint8]:
    """Read some images of a split, in ascending order, as uint8 (n, S, S, C)."""
    return arrays.arranged(read_rows(path, arrays.images, rows))


def check_numbers(path: Path, arrays: Arrays, limit: int) -> None:
    """Check the values of images that have to be converted in memory, in `limit` bytes.

    Raises:
        DataError: they do not fit, or are not the whole numbers from 0 to 255; says how to save them.
    """
    if arrays.is_plain:
        return
    member, where = arrays.images, f"{arrays.images.name} in {printable(path)}"
    if member.nbytes > limit:
        convert = "np.moveaxis(x, 1, -1)" if member.dtype == np.uint8 else "x.astype('uint8')"
        size = format_size(member.nbytes)
        raise DataError(f"{where} has {size}, too many to be converted in memory: save {convert}")
    if member.dtype == np.uint8:
        return
    images = read_array(path, member)
    if convert := _conversion(images):
        raise DataError(f"{where} is {member.dtype}: save uint8 from 0 to 255, x = {convert}")


def _conversion(images: NDArray[Any]) -> str:
    """Return the conversion of these values to bytes; empty if they are whole numbers from 0 to 255."""
    if images.dtype.kind == "b":
        return "x.astype('uint8') * 255"
    if images.dtype.kind not in "iuf":
        return "np.array(x, 'uint8')"
    lowest, highest = images.min(), images.max()
    if not np.isfinite([lowest, highest]).all():
        return "np.nan_to_num(x), then scale it"
    if lowest >= 0 and highest <= 1:
        return "(x * 255).round().astype('uint8')"
    if lowest < 0 or highest > 255:
        return "((x - x.min()) / (x.max() - x.min()) * 255).round().astype('uint8')"
    blocks = np.array_split(images, max(1, images.nbytes // _BLOCK))
    return "" if all((block == np.rint(block)).all() for block in blocks) else "x.round().astype('uint8')"


def _names(path: Path, present: Sequence[str], rules: int) -> dict[tuple[str, str], str]:
    """Return the array of each split and kind; another name than MedMNIST's counts only with its other half."""
    names = {}
    for split in SPLITS:
        found = {(split, kind): _named(path, (split, kind), present, rules) for kind in _FORMS}
        if all(found.values()) or split == "train" or any(name == "_".join(role) for role, name in found.items()):
            names.update({role: name for role, name in found.items() if name})
    return names


def _named(path: Path, role: tuple[str, str], present: Sequence[str], rules: int) -> str:
    """Return the array of a split and kind, by MedMNIST's name or an alternative; empty if there is none."""
    split, kind = role
    if f"{split}_{kind}" in present:
        return f"{split}_{kind}"
    if rules < 2:
        return ""
    known = {form.format(spelling) for form in _FORMS[kind] for spelling in _SPELLINGS[split]}
    found = [name for name in present if name.lower() in known]
    if len(found) > 1:
        raise DataError(f"{printable(path)} has {listed(found)}, any of which may be {split}_{kind}: keep one")
    return found[0] if found else ""


def _missing(path: Path, split: str, kind: str, present: Sequence[str]) -> str:
    code = f"np.savez('new.npz', {split}_images=x, {split}_labels=y)"
    return printable(f"{path} has no array {split}_{kind}; it has {listed(present) or 'nothing'}: name them, {code}")


def _notes(names: Mapping[tuple[str, str], str], present: Sequence[str], arrays: Mapping[str, Arrays]) -> Iterator[str]:
    others = [f"{name} as {'_'.join(role)}" for role, name in names.items() if name != "_".join(role)]
    if others:
        yield printable(f"arrays: {', '.join(others)}")
    if ignored := [name for name in present if name not in names.values()]:
        yield printable(f"arrays that are not used: {listed(ignored)}")
    if any(found.channels_first for found in arrays.values()):
        yield "images have channels first, (N, C, S, S): taken as (N, S, S, C)"
    if kinds := {str(found.images.dtype) for found in arrays.values() if found.images.dtype != np.uint8}:
        yield f"images are {', '.join(sorted(kinds))} of whole numbers from 0 to 255: taken as uint8"


def _check_form(path: Path, split: Arrays, first: Arrays) -> None:
    """Raise DataError, naming the array and its rule, for an array of another form."""
    images, where = split.images, f"{split.images.name} in {printable(path)}"
    if len(images.shape) not in (3, 4) or split.image_shape[2] not in (1, 3):
        raise DataError(
            f"{where} has shape {images.shape}: it must be (N, S, S), (N, S, S, 1) or (N, S, S, 3);{_remedy(images)}"
        )
    if 0 in images.shape:
        raise DataError(f"{where} is empty: its shape is {images.shape}")
    height, width, _ = split.image_shape
    if height != width:
        raise DataError(f"{where} has shape {images.shape}: images must be square; crop or pad them first")
    if split.image_shape != first.image_shape:
        other = first.images.name
        raise DataError(f"{where} has images of shape {split.image_shape}, {other} of {first.image_shape}")
    if split.labels.shape[:1] != images.shape[:1]:
        shapes = f"{images.shape}, {split.labels.name} has {split.labels.shape}"
        raise DataError(f"{where} has shape {shapes}: each image needs its label")


def _remedy(images: Member) -> str:
    shape = images.shape
    side = isqrt(prod(shape[1:]))
    if len(shape) == 2 and side > 1 and side * side == shape[1]:
        return f" of rows of pixels: x.reshape(-1, {side}, {side})"
    if len(shape) == 4 and shape[1] in (1, 3) and shape[2] == shape[3]:
        return " channels must come last: np.moveaxis(x, 1, -1)"
    if len(shape) == 4 and shape[3] in (2, 4) and shape[2] != shape[3]:
        return f" drop the last of {shape[3]} channels: x[..., :{shape[3] - 1}]"
    return " volumes are not supported yet" if len(shape) > 3 else ""
