"""`xaitui data`: list, fetch, verify and remove datasets."""

from __future__ import annotations

import contextlib
import json as json_module
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xaitui.catalog.datasets import DATASETS
from xaitui.cli.completion import one_of
from xaitui.cli.output.download_bar import transfer_bar
from xaitui.cli.output.streams import put, say
from xaitui.config.units import format_size
from xaitui.errors import DataError, UsageError
from xaitui.text import listed, printable

if TYPE_CHECKING:
    from xaitui.catalog.records import RemoteFile
    from xaitui.system.disk import Report

app = typer.Typer(rich_markup_mode=None)

DataDir = Annotated[
    str,
    typer.Option("--data-dir", help="Folder of data files; XAITUI_DATA_DIR, or the user's cache.", show_default=False),
]
Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="A set of `xaitui data ls`.", show_default=False, autocompletion=one_of(DATASETS)
    ),
]
AnyName = Annotated[
    str,
    typer.Argument(
        metavar="[NAME]", help="A set; all of them if left out.", show_default=False, autocompletion=one_of(DATASETS)
    ),
]
Size = Annotated[
    int,
    typer.Option("--size", help="Side of the images in pixels; if left out, the set's default.", show_default=False),
]


@app.command("ls")
def list_command(
    data_dir: DataDir = "",
    json: Annotated[bool, typer.Option("--json", help="One JSON object a set, and a cached array.")] = False,
) -> int:
    """List the sets, and which of their files are here."""
    from xaitui.catalog.datasets import DATASETS
    from xaitui.cli.output.data import array_record, describe_array, describe_set, heading, set_record
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
    say(
        "bytes are those of the pixels; `xaitui data get NAME --size 28` fetches a set"
        + ("; `xaitui data rm --cache` frees the cached arrays" if arrays else "")
    )
    return 0


@app.command("get")
def get_command(
    name: Name,
    size: Size = 0,
    data_dir: DataDir = "",
    source: Annotated[
        Path | None, typer.Option("--from", help="The file, or its folder, on a machine without a network.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are not the published ones.")] = False,
) -> int:
    """Fetch the files of a set and verify them."""
    from xaitui.data.fetch import bring_set, find_set

    info, size = find_set(name, size)
    if not info.files:
        say(f"{info.name} comes with scikit-learn: there is nothing to fetch")
        return 0
    for brought in bring_set(info, size, data_dir, _progress, source=source, force=force):
        here = "was here already, and is verified" if brought.was_here else "is here and verified"
        say(f"{brought.remote.name} {here}")
        put(str(brought.path.absolute()))
    return 0


@contextlib.contextmanager
def _progress(what: str) -> Iterator[Report]:
    """A bar for one file; what an interrupt leaves of a download is told."""
    verb, _, file = what.partition(" ")
    try:
        with transfer_bar(what) as report:
            yield report
    except KeyboardInterrupt:
        if verb == "fetching":
            say(f"what came of {file} is kept: the same command goes on from there")
        raise


@app.command("verify")
def verify_command(name: AnyName = "", data_dir: DataDir = "") -> int:
    """Read the files that are here, and compare their MD5."""
    from xaitui.data.fetch import check_file, files_here
    from xaitui.data.locate import replacement_advice
    from xaitui.data.verify import FileState

    found, damaged = 0, dict[str, list[Path]]()
    for info, size, file, path in files_here(name, data_dir):
        found += 1
        state = check_file(file, path, transfer_bar)
        put(f"{state:<9} {printable(path)}")
        if state is FileState.DAMAGED:
            damaged.setdefault(replacement_advice(info.name, size, data_dir), []).append(path)
    if damaged:
        count = sum(map(len, damaged.values()))
        what = "; ".join(f"{listed(paths)}: {advice}" for advice, paths in damaged.items())
        raise DataError(f"{count} of {found} files are not the published ones, or damaged: {what}")
    if not found:
        _say_nothing_is_here(name, data_dir)
    return 0


def _say_nothing_is_here(name: str, data_dir: str) -> None:
    from xaitui.data.fetch import find_set
    from xaitui.data.locate import get_command as fetch_line

    info, size = find_set(name, 0) if name else (None, 0)
    if info is not None and info.files:
        raise DataError(f"no file of {info.name} is here: get it with `{fetch_line(info.name, size, data_dir)}`")
    say("there is no data file to verify")


@app.command("rm")
def remove_command(
    name: AnyName = "",
    size: Size = 0,
    cache: Annotated[bool, typer.Option("--cache", help="Free the cache of unpacked arrays instead.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also remove files that are not the published ones.")] = False,
    data_dir: DataDir = "",
) -> int:
    """Remove the files of a set, or free the cache."""
    if bool(name) == cache:
        raise UsageError("name a set to remove its files, or give --cache to free the cache of unpacked arrays")
    return _free_cache() if cache else _remove_set(name, size, data_dir, yes=yes, force=force)


def _free_cache() -> int:
    from xaitui.data.array_cache import remove_cache

    freed, kept = remove_cache()
    for path in kept:
        say(f"{printable(path)} is in use, and stays")
    put(f"freed {format_size(freed)}")
    return 0


def _remove_set(name: str, size: int, data_dir: str, *, yes: bool, force: bool) -> int:
    from xaitui.data.fetch import check_file, files_here, find_set
    from xaitui.data.locate import data_home
    from xaitui.data.verify import FileState

    home = data_home(data_dir)
    size = find_set(name, size)[1] if size else 0
    present = [(file, path) for _, at_size, file, path in files_here(name, data_dir) if size in (0, at_size)]
    ours = [(file, path) for file, path in present if path.parent == home]
    for _, path in present:
        if path.parent != home:
            say(f"{printable(path)} stays: xaitui did not put it there")
    if not force:
        foreign = [path for file, path in ours if check_file(file, path, transfer_bar) is FileState.DAMAGED]
        for path in foreign:
            say(f"{printable(path)} stays: it is not the published file; --force removes it")
        ours = [(file, path) for file, path in ours if path not in foreign]
    if not ours:
        raise DataError(f"there is no published file of {name} in {printable(home)}: nothing was removed")
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"to remove {len(ours)} files of {name} without being asked, add --yes")
        typer.confirm(f"Remove {', '.join(printable(path) for _, path in ours)}?", abort=True)
    for file, path in ours:
        _remove_file(file.remote, path, home)
    return 0


def _remove_file(remote: RemoteFile, path: Path, home: Path) -> None:
    from xaitui.data.partial_download import PartFile

    try:
        path.unlink(missing_ok=True)
        PartFile(home / remote.name).discard()
    except OSError as error:
        raise DataError(f"cannot remove {printable(path)}: {error.strerror}") from error
    put(f"removed {printable(path)}")
