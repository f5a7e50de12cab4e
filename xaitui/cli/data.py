"""`xaitui data`: list, fetch, verify and remove data sets."""

from __future__ import annotations

import json as json_module
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xaitui.cli.streams import put, say
from xaitui.cli.transfer_bar import transfer_bar
from xaitui.config.units import format_size
from xaitui.errors import DataError, UsageError
from xaitui.text import printable

if TYPE_CHECKING:
    from xaitui.catalog.records import DatasetInfo, RemoteFile
    from xaitui.data.verify import FileStatus

app = typer.Typer(rich_markup_mode=None)

DataDir = Annotated[
    str,
    typer.Option("--data-dir", help="Folder of data files; XAITUI_DATA_DIR, or the user's cache.", show_default=False),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="A set of `xaitui data ls`.", show_default=False)]
AnyName = Annotated[str, typer.Argument(metavar="[NAME]", help="A set; all of them if left out.", show_default=False)]
Size = Annotated[int, typer.Option("--size", help="Side of the images in pixels; if left out, the set's default.",
                                    show_default=False)]  # fmt: skip


@app.command("ls")
def list_command(
    data_dir: DataDir = "",
    json: Annotated[bool, typer.Option("--json", help="One JSON object a set, and a cached array.")] = False,
) -> int:
    """List the sets, and which of their files are here."""
    from xaitui.catalog.datasets import DATASETS
    from xaitui.cli.data_listing import array_record, describe_array, describe_set, heading, set_record
    from xaitui.data.array_cache import cached_arrays

    arrays = cached_arrays()
    if json:
        records = [set_record(info, data_dir) for info in DATASETS.values()]
        for record in (*records, *map(array_record, arrays)):
            put(json_module.dumps(record))
        return 0
    put(heading())
    for info in DATASETS.values():
        put(describe_set(info, data_dir))
    for array in arrays:
        put(describe_array(array))
    say("bytes are those of the pixels; `xaitui data get NAME --size 28` fetches a set"
        + ("; `xaitui data rm --cache` frees the cached arrays" if arrays else ""))  # fmt: skip
    return 0


@app.command("get")
def get_command(
    name: Name,
    size: Size = 0,
    data_dir: DataDir = "",
    source: Annotated[
        Path | None, typer.Option("--from", help="The file, or its folder, on a machine without a network.")
    ] = None,
) -> int:
    """Fetch the files of a set and verify them."""
    from xaitui.data.fingerprint import remember_md5
    from xaitui.data.locate import data_home

    info, size = _find_set(name, size)
    if not info.files:
        say(f"{info.name} comes with scikit-learn: there is nothing to fetch")
        return 0
    remotes = info.files[size]
    for remote, given in zip(remotes, _given_files(remotes, source), strict=True):
        path = _usable_file(remote, data_dir)
        if path is None:
            path = data_home(data_dir) / remote.name
            _bring(remote, path, given)
            remember_md5(path, remote.md5)
            say(f"{remote.name} is here and verified")
        else:
            say(f"{remote.name} was here already, and is verified")
        put(str(path.absolute()))
    return 0


def _find_set(name: str, size: int) -> tuple[DatasetInfo, int]:
    from xaitui.catalog.datasets import dataset_info

    info = dataset_info(name)
    size = size or info.sizes[0]
    if size not in info.sizes:
        sizes = ", ".join(map(str, info.sizes))
        raise UsageError(f"{info.name} does not come at {size} px: choose --size from {sizes}")
    return info, size


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


def _usable_file(remote: RemoteFile, data_dir: str) -> Path | None:
    """Where the file is, if it is right; with --data-dir only below that folder, for others may read it from there."""
    from xaitui.data.verify import FileState, file_status, verify

    status = file_status(remote, data_dir)
    if status.path is None or status.state is FileState.PARTIAL:
        return None
    if data_dir and not status.path.is_relative_to(Path(data_dir).expanduser()):
        return None
    if status.state is FileState.HERE:
        with transfer_bar(f"verifying {remote.name}") as report:
            return status.path if verify(status.path, remote, report) is FileState.VERIFIED else None
    return status.path if status.state is FileState.VERIFIED else None


def _bring(remote: RemoteFile, target: Path, given: Path | None) -> None:
    from xaitui.data.download import fetch, import_file

    if given is not None:
        with transfer_bar(f"copying {remote.name}") as report:
            import_file(given, target, remote.md5, report)
        return
    try:
        with transfer_bar(f"fetching {remote.name}") as report:
            fetch(remote.urls, target, md5=remote.md5, size=remote.size, report=report)
    except KeyboardInterrupt:
        say(f"what came of {remote.name} is kept: the same command goes on from there")
        raise
    except DataError as error:
        raise DataError(f"{error}; a file brought here by other means is taken with --from FILE") from error


@app.command("verify")
def verify_command(name: AnyName = "", data_dir: DataDir = "") -> int:
    """Read the files that are here, and compare their MD5."""
    from xaitui.data.locate import get_command as fetch_line
    from xaitui.data.verify import FileState, verify

    found, damaged = 0, []
    for info, size, file, path in _files_here(name, data_dir):
        found += 1
        state = file.state
        if state is not FileState.PARTIAL:
            with transfer_bar(f"verifying {file.remote.name}") as report:
                state = verify(path, file.remote, report)
        put(f"{state:<9} {printable(path)}")
        if state is FileState.DAMAGED:
            damaged.append(f"{printable(path)}: fetch it again with `{fetch_line(info.name, size, data_dir)}`")
    if damaged:
        raise DataError(f"{len(damaged)} of {found} files are not the published ones, or damaged: {'; '.join(damaged)}")
    if not found:
        _say_nothing_is_here(name, data_dir)
    return 0


def _say_nothing_is_here(name: str, data_dir: str) -> None:
    from xaitui.data.locate import get_command as fetch_line

    info, size = _find_set(name, 0) if name else (None, 0)
    if info is not None and info.files:
        raise DataError(f"no file of {info.name} is here: get it with `{fetch_line(info.name, size, data_dir)}`")
    say("there is no data file to verify")


def _files_here(name: str, data_dir: str) -> Iterator[tuple[DatasetInfo, int, FileStatus, Path]]:
    """Yield the files of a set, or of all of them, that are here as a whole or in part, with their set and size."""
    from xaitui.catalog.datasets import DATASETS
    from xaitui.data.verify import set_status

    for info in [_find_set(name, 0)[0]] if name else DATASETS.values():
        for size in info.files:
            for file in set_status(info, size, data_dir)[1]:
                if file.path is not None:
                    yield info, size, file, file.path


@app.command("rm")
def remove_command(
    name: AnyName = "",
    size: Size = 0,
    cache: Annotated[bool, typer.Option("--cache", help="Free the cache of unpacked arrays instead.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    data_dir: DataDir = "",
) -> int:
    """Remove the files of a set, or free the cache."""
    if bool(name) == cache:
        raise UsageError("name a set to remove its files, or give --cache to free the cache of unpacked arrays")
    return _free_cache() if cache else _remove_set(name, size, data_dir, yes)


def _free_cache() -> int:
    from xaitui.data.array_cache import remove_cache

    freed, kept = remove_cache()
    for path in kept:
        say(f"{printable(path)} is in use, and stays")
    put(f"freed {format_size(freed)}")
    return 0


def _remove_set(name: str, size: int, data_dir: str, yes: bool) -> int:
    from xaitui.data.locate import data_home

    home = data_home(data_dir)
    size = _find_set(name, size)[1] if size else 0
    present = [(file, path) for _, at_size, file, path in _files_here(name, data_dir) if size in (0, at_size)]
    ours = [(file, path) for file, path in present if path.parent == home]
    for _, path in present:
        if path.parent != home:
            say(f"{printable(path)} stays: xaitui did not put it there")
    if not ours:
        raise DataError(f"there is no file of {name} in {printable(home)}: nothing was removed")
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"to remove {len(ours)} files of {name} without being asked, add --yes")
        typer.confirm(f"Remove {', '.join(printable(path) for _, path in ours)}?", abort=True)
    for file, path in ours:
        _remove_file(file.remote, path, home)
    return 0


def _remove_file(remote: RemoteFile, path: Path, home: Path) -> None:
    from xaitui.data.part_file import PartFile

    try:
        path.unlink(missing_ok=True)
        PartFile(home / remote.name).discard()
    except OSError as error:
        raise DataError(f"cannot remove {printable(path)}: {error.strerror}") from error
    put(f"removed {printable(path)}")
