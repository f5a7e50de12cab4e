"""MD5 of data files, cached so that large files are not read at every start."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path

from xaitui.catalog.datasets import UNPACKED_MD5
from xaitui.catalog.records import RemoteFile
from xaitui.data.dataset import DataFile
from xaitui.data.locate import cache_home
from xaitui.errors import DataError
from xaitui.system.atomic_files import write_atomic
from xaitui.system.damaged_files import RECORD_DAMAGE
from xaitui.system.disk import Report, digest, no_report
from xaitui.text import printable


def file_md5(path: Path, *, fresh: bool = False, report: Report = no_report) -> str:
    """Return the MD5 of a file, from the stamp in the user's cache if the file has not changed since.

    Args:
        path: the file.
        fresh: whether to read it in any case, for a disk may lose bytes without a sign of change.
        report: told the bytes that are read and those of the whole file.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        before = _identity(path)
        known = _read_stamp(path)
        if not fresh and known is not None and known[0] == before:
            return known[1]
        md5 = digest(path, "md5", report)
        if _identity(path) == before:
            _write_stamp(path, before, md5)
    except OSError as error:
        raise DataError(f"{printable(path)} cannot be read: {error.strerror}") from error
    return md5


def known_md5(path: Path) -> str:
    """Return the cached MD5 of a file; empty if the file has changed since or was never read."""
    known = _read_stamp(path)
    return known[1] if known is not None and known[0] == _identity(path) else ""


def remember_md5(path: Path, md5: str) -> None:
    """Cache the MD5 of a file."""
    _write_stamp(path, _identity(path), md5)


def published_md5(path: Path, remote: RemoteFile) -> str:
    """Return the MD5 that the file at `path` must have, packed or unpacked."""
    return remote.md5 if path.name == remote.name else UNPACKED_MD5[path.name]


def official_file(path: Path, remote: RemoteFile, advice: str, report: Report = no_report) -> DataFile:
    """Return the record of a published file; raise DataError, with `advice`, if it is not what was published."""
    expected = published_md5(path, remote)
    md5 = file_md5(path, report=report)
    if md5 != expected:
        raise DataError(
            f"{printable(path)} is not the published file, or damaged: its MD5 is {md5}, not {expected}; {advice}"
        )
    return DataFile(str(path.resolve()), md5)


def _identity(path: Path) -> list[int]:
    """Return the state of a file that changes with it: size, time of change, inode."""
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ino]


def _stamp_path(path: Path) -> Path:
    return cache_home() / "md5" / f"{hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:32]}.json"


def _read_stamp(path: Path) -> tuple[list[int], str] | None:
    try:
        stamp = json.loads(_stamp_path(path).read_bytes())
        return stamp["identity"], str(stamp["md5"])
    except RECORD_DAMAGE:  # missing or damaged: it is only a memo
        return None


def _write_stamp(path: Path, identity: list[int], md5: str) -> None:
    stamp = _stamp_path(path)
    with contextlib.suppress(OSError):  # without the memo the file is only read again at the next start
        stamp.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(stamp, json.dumps({"file": str(path), "identity": identity, "md5": md5}))
