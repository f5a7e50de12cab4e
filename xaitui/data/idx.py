"""idx files, the format of MNIST, plain or packed with gzip.

An idx file is a magic number 0, 0, 8 (unsigned bytes), number of axes; then each axis as 32 bits, big-endian; then the
bytes in C order.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import struct
from collections.abc import Iterator, Sequence
from functools import partial
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.records import DatasetInfo
from xaitui.data.dataset import DataFile, Images
from xaitui.data.labels import check_labels
from xaitui.data.npz import MAX_DEFLATE
from xaitui.data.source import Part, Source
from xaitui.errors import DataError
from xaitui.system.damaged_files import FILE_DAMAGE
from xaitui.text import printable


def read_idx(path: Path, axes: int) -> NDArray[np.uint8]:
    """Read an idx file of unsigned bytes with that many axes.

    Raises:
        DataError: the file is missing, is damaged, or holds something else.
    """
    with _opened(path) as stream:
        return _parse(stream, path, axes)


def read_idx_shape(path: Path, axes: int) -> tuple[int, ...]:
    """Read the lengths of an idx file's axes.

    Raises:
        DataError: the file is missing, is damaged, or holds something else.
    """
    with _opened(path) as stream:
        return _shape(stream, path, axes)


def read_idx_rows(path: Path, axes: int, rows: Sequence[int]) -> NDArray[np.uint8]:
    """Read some rows along the first axis, in ascending order, and no more of the file than needed.

    Raises:
        DataError: the file is missing, is damaged as far as it is read, or holds something else.
    """
    content = bytearray()
    with _opened(path) as stream:
        shape = _shape(stream, path, axes)
        begin, length = stream.tell(), prod(shape[1:])
        for row in rows:
            stream.seek(begin + row * length)
            content += stream.read(length)
    if len(content) != len(rows) * length:
        raise DataError(f"{printable(path)} is damaged: its header says {shape}, and it ends before")
    return np.frombuffer(content, np.uint8).reshape(len(rows), *shape[1:])


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[io.BufferedIOBase]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            yield stream
    except FILE_DAMAGE as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{printable(path)} cannot be read as idx file: {printable(reason)}") from error


def _shape(stream: io.BufferedIOBase, path: Path, axes: int) -> tuple[int, ...]:
    magic = stream.read(4)
    if magic != bytes((0, 0, 8, axes)):
        raise DataError(f"{printable(path)} is no idx file of bytes with {axes} axes: it begins with {magic.hex()}")
    return struct.unpack(f">{axes}I", stream.read(4 * axes))


def _parse(stream: io.BufferedIOBase, path: Path, axes: int) -> NDArray[np.uint8]:
    shape = _shape(stream, path, axes)
    length = prod(shape)
    # Deflate expands by at most 1,032: no memory is allocated for more than the file can hold.
    content = stream.read(length + 1) if length <= path.stat().st_size * MAX_DEFLATE else b""
    if len(content) != length:
        raise DataError(
            f"{printable(path)} is damaged: its header says {shape}, and it holds other than {length} bytes"
        )
    return np.frombuffer(bytearray(content), np.uint8).reshape(shape)  # an array of bytes would be read-only


def mnist_source(info: DatasetInfo, files: Sequence[DataFile]) -> Source:
    """Return the published splits of MNIST from its four files, in the catalog's order; val was never published.

    Raises:
        DataError: a file is damaged or not as the catalog says.
    """
    train_images, train_labels, test_images, test_labels = (Path(file.path) for file in files)
    parts = {
        "train": _part(info, train_images, train_labels, info.counts[0]),
        "test": _part(info, test_images, test_labels, info.counts[2]),
    }
    return Source(info, parts, tuple(files))


def _part(info: DatasetInfo, images: Path, labels: Path, count: int) -> Part:
    checked = check_labels(read_idx(labels, axes=1), info.task, len(info.classes), f"the labels in {printable(labels)}")
    if len(checked) != count:
        raise DataError(f"{printable(labels)} has {len(checked)} labels, {info.name} has {count}")
    return Part(checked, partial(_read_images, images, (count, *info.sizes, *info.sizes, info.channels)))


def _read_images(path: Path, shape: tuple[int, ...]) -> Images:
    images = read_idx(path, axes=3)[..., np.newaxis]
    if images.shape != shape:
        raise DataError(f"{printable(path)} has images of shape {images.shape}, not {shape}")
    return images
