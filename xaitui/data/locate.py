"""Folders that are searched for data files, and the folder for downloads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from xaitui.catalog.records import RemoteFile
from xaitui.errors import DataError, UsageError
from xaitui.text import printable, quoted

_PLACES = ("", "medmnist", "mnist", "MNIST/raw")
"""Folders below a searched folder: itself, one per source, and torchvision's layout."""


def cache_home() -> Path:
    """Return the user's cache folder, which may not exist yet."""
    return Path(platformdirs.user_cache_dir("xaitui"))


def user_path(text: str) -> Path:
    """Expand ``~`` in a path; raise UsageError for the home of an unknown user."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise UsageError(f"{printable(text)}: there is no home of that user") from error


def data_home(data_dir: str = "") -> Path:
    """Return the folder for downloads: `data_dir`, else XAITUI_DATA_DIR, else one in the user's cache."""
    chosen = data_dir or os.environ.get("XAITUI_DATA_DIR", "")
    return user_path(chosen) if chosen else cache_home() / "data"


def find_file(remote: RemoteFile, data_dir: str = "") -> Path | None:
    """Return the first file of this name, packed or unpacked, in the searched folders."""
    names = dict.fromkeys((remote.name, remote.name.removesuffix(".gz")))
    for folder in _searched(data_dir):
        for place in _PLACES:
            for name in names:
                path = folder / place / name
                if _is_file(path):
                    return path
    return None


def require_file(remote: RemoteFile, dataset: str, size: int, data_dir: str = "") -> Path:
    """Return the path of a file; raise DataError, with the command that downloads it, if it is missing."""
    path = find_file(remote, data_dir)
    if path is None:
        searched = ", ".join(printable(folder) for folder in _searched(data_dir))
        raise DataError(
            f"{remote.name} is not in {searched}: get it with `{get_command(dataset, size, data_dir)}`"
            " (without a network add --from FILE), or name its folder with --data-dir"
        )
    return path


def get_command(dataset: str, size: int, data_dir: str = "") -> str:
    """Return the command that downloads a dataset to the folder that is searched first."""
    place = f" --data-dir {quoted(data_dir)}" if data_dir else ""
    return f"xaitui data get {dataset} --size {size}{place}"


def replacement_advice(dataset: str, size: int, data_dir: str = "") -> str:
    """Return advice on files that differ from the published ones: they may be damaged, or the user's own."""
    return f"move them away and run `{get_command(dataset, size, data_dir)}`; own data: --dataset FILE.npz or FOLDER"


def _searched(data_dir: str) -> Iterator[Path]:
    """Yield the folders in order: the given one, our own, and those of medmnist and torchvision."""
    named = (data_dir, os.environ.get("XAITUI_DATA_DIR", ""))
    yield from dict.fromkeys(user_path(place) for place in named if place)
    yield cache_home() / "data"
    yield Path("~/.medmnist").expanduser()
    yield Path("data")  # torchvision has no default; its examples use this root


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # no access
        return False
