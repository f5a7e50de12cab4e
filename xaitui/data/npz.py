"""Read arrays out of an .npz archive that may be damaged, or made to harm.

`np.load` believes a header before it has seen the data. Here the header of an array is compared with the length of its
archive member, and that with what deflate can make of the packed bytes, before memory is taken; objects, which only
a pickle can hold, are refused.
"""

from __future__ import annotations

import contextlib
import io
import warnings
import zipfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from xaitui.errors import DataError
from xaitui.system.damaged_files import FILE_DAMAGE
from xaitui.text import printable

MAX_DEFLATE = 1032
"""Bytes that one packed byte can become at most (RFC 1951: 258 bytes for two bits)."""

_MAX_HEADER = 16_384
"""Bytes in which a header must end; numpy writes 128 and reads no more than 10,000."""


@dataclass(frozen=True)
class Member:
    """An array of an archive, known from its header alone."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def nbytes(self) -> int:
        """Bytes of the array in memory."""
        return prod(self.shape) * self.dtype.itemsize


def read_headers(path: Path, names: Collection[str]) -> dict[str, Member]:
    """Return the headers of those arrays of `names` that are in the archive, without reading their data.

    Raises:
        DataError: the file is missing or no .npz archive, or a header does not fit its data.
    """
    with _archive(path) as archive:
        found = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        return {name: _read_header(path, archive, name, found[name]) for name in names if name in found}


def array_names(path: Path) -> list[str]:
    """Return the names of all arrays in the archive; raise DataError as `read_headers` does."""
    with _archive(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist()]


def read_array(path: Path, member: Member) -> NDArray[Any]:
    """Read one array in C order; its checksum is verified. Raise DataError if the data are damaged."""
    with _archive(path) as archive, archive.open(f"{member.name}.npy") as stream:
        array: NDArray[Any] = npy.read_array(stream, allow_pickle=False)
        stream.read(1)  # the checksum is looked at when the end is reached
    if (array.shape, array.dtype) != (member.shape, member.dtype):
        raise DataError(f"{printable(path)} has changed while it was read")
    return np.ascontiguousarray(array)


def read_rows(path: Path, member: Member, rows: Sequence[int]) -> NDArray[Any]:
    """Read some rows of an array, in ascending order, and no more of the file than needed.

    The checksum at the end of the data is therefore not reached. Raise DataError if the data before it are damaged.
    """
    length = member.nbytes // member.shape[0]
    content = bytearray()
    with _archive(path) as archive, archive.open(f"{member.name}.npy") as stream:
        _, fortran_order, _ = _parse_header(stream)
        if fortran_order:  # a row is scattered over the whole array
            return read_array(path, member)[list(rows)]
        begin = stream.tell()
        for row in rows:
            stream.seek(begin + row * length)
            content += stream.read(length)
    if len(content) != len(rows) * length:
        raise DataError(f"{member.name} in {printable(path)} is damaged: it ends before row {rows[-1]}")
    return np.frombuffer(content, member.dtype).reshape(len(rows), *member.shape[1:])


def _read_header(path: Path, archive: zipfile.ZipFile, name: str, info: zipfile.ZipInfo) -> Member:
    where = f"{name} in {printable(path)}"
    packed_by = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: MAX_DEFLATE}.get(info.compress_type, 0)
    if info.file_size > packed_by * (info.compress_size + 1):
        raise DataError(f"{where} is damaged: {info.compress_size} packed bytes cannot become {info.file_size}")
    with archive.open(info) as stream:
        begin = io.BytesIO(stream.read(_MAX_HEADER))
    shape, _, dtype = _parse_header(begin)
    member = Member(name, shape, dtype)
    if dtype.hasobject:
        raise DataError(f"{where} holds Python objects, which may run code: save plain numbers")
    if min(shape, default=1) < 0 or begin.tell() + member.nbytes != info.file_size:
        raise DataError(f"{where} is damaged: its header says {shape} of {dtype}, not {info.file_size} bytes")
    return member


def _parse_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return the shape, whether it is in Fortran order, and the type of the numbers."""
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"version {version} of the .npy format is for arrays with named fields")
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # headers written by Python 2 are only slower to read
        shape, fortran_order, dtype = read_header(stream)
    return shape, fortran_order, dtype


@contextlib.contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open the archive; errors inside the block become DataError."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except FILE_DAMAGE as error:
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0] or type(error).__name__
        raise DataError(f"{printable(path)} cannot be read as .npz archive: {printable(reason)}") from error
