"""State of the files of a dataset on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from xaitui.catalog.records import DatasetInfo, RemoteFile
from xaitui.data.fingerprint import file_md5, known_md5, published_md5
from xaitui.data.locate import data_home, find_file
from xaitui.data.partial_download import PartFile
from xaitui.system.disk import Report, no_report


class FileState(StrEnum):
    """State of a file, or of all files of a dataset; the worst first."""

    DAMAGED = "damaged"
    """Read, and not the published file."""
    ABSENT = "not here"
    PARTIAL = "partial"
    """An unfinished download."""
    HERE = "here"
    """Not read since it was last changed."""
    VERIFIED = "verified"
    """Read, and the published file."""
    EMBEDDED = "embedded"
    """No file is needed."""


@dataclass(frozen=True)
class FileStatus:
    """State of a published file on this machine."""

    remote: RemoteFile
    path: Path | None
    """Path, complete or not; None if missing."""
    size: int
    """Bytes on disk."""
    state: FileState


def file_status(remote: RemoteFile, data_dir: str = "") -> FileStatus:
    """Return the state of a file without reading it."""
    path = find_file(remote, data_dir)
    if path is None:
        part = PartFile(data_home(data_dir) / remote.name)
        state = FileState.PARTIAL if part.size else FileState.ABSENT
        return FileStatus(remote, part.path if part.size else None, part.size, state)
    md5 = known_md5(path)
    return FileStatus(remote, path, path.stat().st_size, _judge(path, remote, md5) if md5 else FileState.HERE)


def verify(path: Path, remote: RemoteFile, report: Report = no_report) -> FileState:
    """Read and verify a file; raise DataError if it cannot be read."""
    return _judge(path, remote, file_md5(path, fresh=True, report=report))


def _judge(path: Path, remote: RemoteFile, md5: str) -> FileState:
    return FileState.VERIFIED if md5 == published_md5(path, remote) else FileState.DAMAGED


def set_status(info: DatasetInfo, size: int, data_dir: str = "") -> tuple[FileState, list[FileStatus]]:
    """Return the state of the files of a dataset at one size, and the worst of them."""
    files = [file_status(remote, data_dir) for remote in info.files.get(size, ())]
    states = {file.state for file in files}
    if states > {FileState.ABSENT} and FileState.DAMAGED not in states:
        return FileState.PARTIAL, files
    return next((state for state in FileState if state in states), FileState.EMBEDDED), files
