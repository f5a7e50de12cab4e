"""Name, size and MD5 of the image files of a folder, computed once for each state of the folder."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xaitui.data.dataset import ListedFile
from xaitui.data.locate import cache_home
from xaitui.system.atomic_files import write_atomic
from xaitui.system.damaged_files import FILE_DAMAGE, RECORD_DAMAGE
from xaitui.system.disk import Report, no_report


def listed_files(folder: Path, paths: Sequence[Path], report: Report = no_report) -> dict[Path, ListedFile]:
    """Return the records of image files below a folder, in the order of `paths`; unreadable files have no MD5.

    Every file is read the first time. The records are kept in the user's cache under a hash of the files' names, sizes,
    inodes and times of change.
    """
    names = [str(path.relative_to(folder)) for path in paths]
    before = [_state(path) for path in paths]
    stored = cache_home() / "md5" / f"{_key(folder, names, before)}.json.gz"
    found = _read(stored)
    if found is None:
        total, done, read = sum(state[0] for state in before), 0, list[ListedFile]()
        for path, name in zip(paths, names, strict=True):
            read.append(_record(path, name))
            done += read[-1].size
            report(done, total)
        found = tuple(read)
        if [_state(path) for path in paths] == before and all(file.md5 for file in found):
            with contextlib.suppress(OSError):  # without the memo the files are only read again at the next start
                stored.parent.mkdir(parents=True, exist_ok=True)
                write_atomic(stored, pack(to_rows(found)))
    return dict(zip(paths, found, strict=True))


def _record(path: Path, name: str) -> ListedFile:
    try:
        with path.open("rb") as file:
            md5 = hashlib.file_digest(file, "md5").hexdigest()
            return ListedFile(name, file.tell(), md5)
    except OSError:  # probing it says why
        return ListedFile(name, 0, "")


def _state(path: Path) -> list[int]:
    """Return the state of a file that changes with it: size, inode, times of change."""
    try:
        stat = path.stat()
    except OSError:
        return [0]
    return [stat.st_size, stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns]


def to_rows(files: Sequence[ListedFile]) -> list[list[Any]]:
    """Return records as plain values, for `pack`."""
    return [[file.name, file.size, file.md5] for file in files]


def md5_of(files: Sequence[ListedFile]) -> str:
    """Return one MD5 of the names, sizes and contents of many files."""
    return hashlib.md5(json.dumps(to_rows(files)).encode()).hexdigest()


def from_rows(rows: Any) -> tuple[ListedFile, ...]:
    """Return the records of plain values made by `to_rows`.

    Raises:
        ValueError, TypeError: the rows are something else.
    """
    return tuple(ListedFile(str(name), int(size), str(md5)) for name, size, md5 in rows)


def pack(values: Any) -> bytes:
    """Compress plain values as JSON; the same values give the same bytes."""
    return gzip.compress(json.dumps(values, separators=(",", ":")).encode(), mtime=0)


def unpack(content: bytes) -> Any:
    """Return the plain values packed by `pack`.

    Raises:
        ValueError: the content is something else.
    """
    try:
        return json.loads(gzip.decompress(content))
    except FILE_DAMAGE as error:
        raise ValueError(str(error)) from None


def _read(path: Path) -> tuple[ListedFile, ...] | None:
    try:
        return from_rows(unpack(path.read_bytes()))
    except RECORD_DAMAGE:  # missing or damaged: it is only a memo
        return None


def _key(folder: Path, names: Sequence[str], states: Sequence[list[int]]) -> str:
    files = list(zip(names, states, strict=True))
    return hashlib.sha256(json.dumps([str(folder.absolute()), files]).encode()).hexdigest()[:32]
