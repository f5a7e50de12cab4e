"""Download and verification of the files of datasets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from xaitui.catalog.datasets import DATASETS, dataset_info
from xaitui.catalog.records import DatasetInfo, RemoteFile
from xaitui.data.download import (
    PATIENCE,
    ForeignFileError,
    Identity,
    Patience,
    fetch,
    import_file,
    keep_foreign,
)
from xaitui.data.fingerprint import remember_md5
from xaitui.data.locate import data_home
from xaitui.data.verify import FileState, FileStatus, file_status, set_status, verify
from xaitui.errors import DataError, UsageError
from xaitui.system.disk import Report

Progress = Callable[[str], AbstractContextManager[Report]]
"""Opens a display for what is done now, "fetching x.npz", and gives what is to be told how far it is.

A report may raise to end the work: what came of a download then is kept, and the next one goes on from there.
"""


@dataclass(frozen=True)
class Brought:
    """A verified file on this machine."""

    remote: RemoteFile
    path: Path
    was_here: bool


def find_set(name: str, size: int) -> tuple[DatasetInfo, int]:
    """Return a catalog dataset and the side to use, where 0 is the default.

    Raises:
        UsageError: there is no such set, or it does not come at this size.
    """
    info = dataset_info(name)
    size = size or info.sizes[0]
    if size not in info.sizes:
        sizes = ", ".join(map(str, info.sizes))
        raise UsageError(f"{info.name} does not come at {size} px: choose --size from {sizes}")
    return info, size


def bring_set(
    info: DatasetInfo,
    size: int,
    data_dir: str,
    progress: Progress,
    *,
    source: Path | None = None,
    patience: Patience = PATIENCE,
    force: bool = False,
) -> Iterator[Brought]:
    """Yield each file of a dataset once it is verified; files that are already correct are not downloaded.

    Args:
        info: the set.
        size: side in pixels of the variant.
        data_dir: where files go, and where others will look for them; empty for the usual places.
        progress: shows how far it is.
        source: the file, or the folder of the files, brought by other means, to be copied instead.
        patience: when to give a server up.
        force: replace files of these names that are not the published ones.

    Raises:
        UsageError: `source` is one file, and the set has several.
        DataError: a file cannot be had, cannot be written, or would take the place of another file.
    """
    remotes = info.files.get(size, ())
    given_files = _given_files(remotes, source)
    here = [_usable_file(remote, data_dir, progress) for remote in remotes]
    if not force:
        _keep_foreign_files([remote for remote, path in zip(remotes, here, strict=True) if path is None], data_dir)
    for remote, given, path in zip(remotes, given_files, here, strict=True):
        if path is not None:
            yield Brought(remote, path, was_here=True)
            continue
        path = data_home(data_dir) / remote.name
        _bring(remote, path, given, progress, patience, force=force)
        remember_md5(path, remote.md5)
        yield Brought(remote, path, was_here=False)


def _keep_foreign_files(remotes: Sequence[RemoteFile], data_dir: str) -> None:
    for remote in remotes:
        try:
            keep_foreign(data_home(data_dir) / remote.name, Identity(remote.md5, size=remote.size))
        except ForeignFileError as error:
            raise DataError(f"{error}, or replace it with --force") from error


def _given_files(remotes: tuple[RemoteFile, ...], source: Path | None) -> list[Path | None]:
    """Where --from has each file: in a folder by its name; else there is one file only."""
    if source is None:
        return [None] * len(remotes)
    if source.is_dir():
        return [source / remote.name for remote in remotes]
    if len(remotes) > 1:
        names = ", ".join(remote.name for remote in remotes)
        raise UsageError(f"--from must name a folder: the set has {len(remotes)} files, {names}")
    return [source]


def _usable_file(remote: RemoteFile, data_dir: str, progress: Progress) -> Path | None:
    """Where the file is, if it is right; with a folder named only below it, for others may read it from there."""
    status = file_status(remote, data_dir)
    if status.path is None or status.state is FileState.PARTIAL:
        return None
    if data_dir and not status.path.is_relative_to(Path(data_dir).expanduser()):
        return None
    if status.state is FileState.HERE:
        with progress(f"verifying {remote.name}") as report:
            return status.path if verify(status.path, remote, report) is FileState.VERIFIED else None
    return status.path if status.state is FileState.VERIFIED else None


def _bring(
    remote: RemoteFile, target: Path, given: Path | None, progress: Progress, patience: Patience, *, force: bool
) -> None:
    if given is not None:
        with progress(f"copying {remote.name}") as report:
            import_file(given, target, remote.md5, report, force=force)
        return
    try:
        with progress(f"fetching {remote.name}") as report:
            fetch(
                remote.urls,
                target,
                md5=remote.md5,
                size=remote.size,
                report=report,
                patience=patience,
                force=force,
            )
    except DataError as error:
        raise DataError(f"{error}; a file brought here by other means is taken with --from FILE") from error


def files_here(name: str, data_dir: str) -> Iterator[tuple[DatasetInfo, int, FileStatus, Path]]:
    """Yield the complete and partial files of a dataset, or of all datasets, with dataset and size."""
    for info in [dataset_info(name)] if name else DATASETS.values():
        for size in info.files:
            for file in set_status(info, size, data_dir)[1]:
                if file.path is not None:
                    yield info, size, file, file.path


def check_file(file: FileStatus, path: Path, progress: Progress) -> FileState:
    """Read a file and compare its MD5; unfinished files are left alone."""
    if file.state is FileState.PARTIAL:
        return file.state
    with progress(f"verifying {file.remote.name}") as report:
        return verify(path, file.remote, report)
