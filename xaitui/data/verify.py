"""Which files of a set are here, and whether they are what was published."""

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
    """What is known of a file, or of the files of a set together; the worst first."""

    DAMAGED = "damaged"
    """It was read, and is not the published file."""
    ABSENT = "not here"
    PARTIAL = "partial"
    """A download that is not finished."""
    HERE = "here"
    """It has not been read since it was last changed."""
    VERIFIED = "verified"
    """It was read, and is the published file."""
    EMBEDDED = "embedded"
    """It needs no file."""


@dataclass(frozen=True)
class FileStatus:
    """One published file, and what there is of it."""

    remote: RemoteFile
    path: Path | None
    """Where it is, whole or not; None for one that is not here."""
    size: int
    """Bytes that are there."""
    state: FileState


def file_status(remote: RemoteFile, data_dir: str = "") -> FileStatus:
    """Say what there is of a file, without reading it."""
    path = find_file(remote, data_dir)
    if path is None:
        part = PartFile(data_home(data_dir) / remote.name)
        state = FileState.PARTIAL if part.size else FileState.ABSENT
        return FileStatus(remote, part.path if part.size else None, part.size, state)
    md5 = known_md5(path)
    return FileStatus(remote, path, path.stat().st_size, _judge(path, remote, md5) if md5 else FileState.HERE)


def verify(path: Path, remote: RemoteFile, report: Report = no_report) -> FileState:
    """Read a file that is here, whatever is known of it; raise DataError where it cannot be read."""
    return _judge(path, remote, file_md5(path, fresh=True, report=report))


def _judge(path: Path, remote: RemoteFile, md5: str) -> FileState:
    return FileState.VERIFIED if md5 == published_md5(path, remote) else FileState.DAMAGED


def set_status(info: DatasetInfo, size: int, data_dir: str = "") -> tuple[FileState, list[FileStatus]]:
    """Say what there is of the files of a set at one size; together they are as good as the worst."""
    files = [file_status(remote, data_dir) for remote in info.files.get(size, ())]
    states = {file.state for file in files}
    if states > {FileState.ABSENT} and FileState.DAMAGED not in states:
        return FileState.PARTIAL, files
    return next((state for state in FileState if state in states), FileState.EMBEDDED), files
