"""Image arrays of compressed .npz files, unpacked once into plain files that can be read row by row.

``np.load(mmap_mode=...)`` does nothing for an .npz: each member would be unpacked into memory as a whole. So a member
that does not fit there is streamed, block by block, into ``arrays/`` of the user's cache folder, as an ordinary .npy
file.

The key of such a file is a hash of its source's table of contents: name, length, packed length and CRC-32 of every
member. So it follows the content, not the place or the date of the source, and costs no reading of many GB; and while
a member is unpacked its CRC-32 is compared with that table, so that a cached array is what its key says.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np

from xaitui.data.locate import cache_home
from xaitui.data.row_file import RowFile
from xaitui.errors import DataError
from xaitui.system.damaged_files import BAD_CONTENT
from xaitui.system.disk import BLOCK, Report, ensure_free, no_report, publish, writing_to
from xaitui.system.file_lock import exclusive, locked
from xaitui.text import printable

_PART = ".part"
_LOCK = ".lock"


def array_folder() -> Path:
    """Return the folder of the cached arrays."""
    return cache_home() / "arrays"


def cached_rows(npz: Path, member: str, *, cache_dir: Path | None = None, report: Report = no_report) -> RowFile:
    """Return the images of a member of an .npz file as rows on disk, unpacked now if they are not in the cache.

    Args:
        npz: the archive.
        member: the name of its array file, for example ``train_images.npy``: uint8 of shape (N, H, W) or (N, H, W, C).
        cache_dir: folder for the unpacked arrays, by default `array_folder`.
        report: called with the bytes unpacked and the bytes of the whole array.

    Raises:
        DataError: the archive is damaged, the array is not one of images, or there is no room for it.
    """
    folder = cache_dir or array_folder()
    try:
        with zipfile.ZipFile(npz) as archive:
            target = folder / f"{npz.stem[:80]}.{Path(member).stem}.{_key(archive)}.npy"
            if not target.exists():
                _unpack(archive, member, target, report)
    except BAD_CONTENT as error:
        raise DataError(printable(f"{npz}, {member}: {_reason(error)}; fetch or make the file again")) from error
    except OSError as error:
        raise DataError(f"cannot read {printable(npz)}: {error.strerror or error}") from error
    return _open(target)


def _reason(error: BaseException) -> str:
    return " ".join(str(error.args[0] if error.args else "").split()) or "it is damaged"


def _open(target: Path) -> RowFile:
    with target.open("rb") as file:
        shape = _image_shape(file)
        rows = RowFile(target, file.tell(), shape)
    if target.stat().st_size != rows.offset + rows.nbytes:
        raise DataError(f"{target} was damaged after it was made: remove it with `xaitui data rm --cache`")
    return rows


def _key(archive: zipfile.ZipFile) -> str:
    contents = [(item.filename, item.file_size, item.compress_size, item.CRC) for item in archive.infolist()]
    return hashlib.sha256(json.dumps(contents).encode()).hexdigest()[:16]


def _unpack(archive: zipfile.ZipFile, member: str, target: Path, report: Report) -> None:
    part = target.with_name(target.name + _PART)
    with writing_to(target.parent), exclusive(_lock(target)):
        if target.exists():  # made by another process while this one waited
            return
        length = archive.getinfo(member).file_size
        ensure_free(target.parent, length)
        try:
            with archive.open(member) as packed, part.open("wb") as plain:
                _copy_images(packed, plain, length, report)
            publish(part, target)
        finally:
            part.unlink(missing_ok=True)


def _copy_images(packed: IO[bytes], plain: IO[bytes], length: int, report: Report) -> None:
    shape = _image_shape(packed)
    if prod(shape) != length - packed.tell():
        raise ValueError(f"an array of shape {shape} does not have the {length - packed.tell()} bytes that are stored")
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(plain, header)
    done = 0
    while block := packed.read(BLOCK):  # the read at the end compares the CRC-32
        plain.write(block)
        done += len(block)
        report(done, prod(shape))
    if done != prod(shape):
        raise EOFError(f"it ends after {done} of {prod(shape)} bytes")


def _image_shape(file: IO[bytes]) -> tuple[int, int, int, int]:
    """Read the header of an .npy file; return its shape as (N, H, W, C)."""
    readers: dict[tuple[int, int], Any] = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    version = np.lib.format.read_magic(file)
    if version not in readers:
        raise ValueError(f"version {version} of the .npy format is not known")
    shape, fortran_order, dtype = readers[version](file)
    if dtype != np.uint8:
        raise ValueError(f"images must be uint8, these are {dtype}")
    if fortran_order:
        raise ValueError("images must be stored row by row (np.ascontiguousarray), these are in Fortran order")
    if len(shape) not in (3, 4) or min(shape) < 1:
        raise ValueError(f"images must have shape (N, H, W) or (N, H, W, C), these have {shape}")
    count, height, width, channels = (*shape, 1)[:4]
    return count, height, width, channels


@dataclass(frozen=True)
class CachedArray:
    """One file of the cache."""

    path: Path
    size: int
    """Length in bytes."""
    is_whole: bool
    """Whether it is complete; leftovers of a killed process are not."""


def cached_arrays(cache_dir: Path | None = None) -> list[CachedArray]:
    """List the cache, by name."""
    found = []
    for path in sorted((cache_dir or array_folder()).glob("*.npy*")):
        with contextlib.suppress(FileNotFoundError):  # another process finished or removed it
            if path.suffix != _LOCK:
                found.append(CachedArray(path, path.stat().st_size, path.suffix == ".npy"))
    return found


def remove_cache(cache_dir: Path | None = None) -> tuple[int, list[Path]]:
    """Empty the cache; return the bytes freed and the files kept because a process uses them.

    Raises:
        DataError: the files cannot be removed.
    """
    freed, kept = 0, []
    for array in cached_arrays(cache_dir):
        try:
            _remove(array.path)
            freed += array.size
        except BlockingIOError:
            kept.append(array.path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise DataError(f"cannot remove {array.path}: {error.strerror}") from error
    return freed, kept


def _remove(path: Path) -> None:
    """Remove a file of the cache; raise BlockingIOError if a process writes or reads it."""
    with exclusive(_lock(path.with_name(path.name.removesuffix(_PART))), wait=False), locked(path, patience=0):
        path.unlink()


@contextlib.contextmanager
def in_use(path: Path) -> Iterator[None]:
    """Keep `remove_cache` from removing a file for the length of the block."""
    with locked(path, shared=True):
        yield


def _lock(target: Path) -> Path:
    return target.with_name(target.name + _LOCK)
