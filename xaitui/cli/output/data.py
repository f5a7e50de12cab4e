"""Output of `xaitui data ls`: two lines for each dataset, or one JSON object each."""

from __future__ import annotations

from textwrap import fill
from typing import Any

from xaitui.catalog.records import DatasetInfo
from xaitui.config.units import format_size
from xaitui.data.array_cache import CachedArray
from xaitui.data.verify import FileState, FileStatus, set_status
from xaitui.text import printable

_WIDTH = 80
_SHORT = {"binary-class": "binary", "ordinal-regression": "ordinal"}


def heading() -> str:
    """The line above all sets."""
    return _row("SET", "TASK", "CLASSES", "CHANNELS", ("TRAIN", "VAL", "TEST"), "LICENCE")


def describe_set(info: DatasetInfo, data_dir: str) -> str:
    """A set in lines of 80 columns: its facts, then what there is of each size."""
    task = info.task.split(",")[0]
    counts = tuple(f"{count:,}" for count in info.counts)
    facts = _row(info.name, _SHORT.get(task, task), str(len(info.classes)), str(info.channels), counts, info.licence)
    return f"{facts}\n{_describe_sizes(info, data_dir)}"


def describe_array(array: CachedArray) -> str:
    """A line for an array in the cache."""
    return f"cached array  {format_size(array.size):>10}  {printable(array.path.name)}"


def array_record(array: CachedArray) -> dict[str, Any]:
    """What a program is told of an array in the cache."""
    return {"cached": str(array.path), "bytes": array.size, "whole": array.is_whole}


def _row(name: str, task: str, classes: str, channels: str, counts: tuple[str, ...], licence: str) -> str:
    train, val, test = counts
    return f"{name:<14} {task:<11} {classes:>7} {channels:>8} {train:>7} {val:>6} {test:>6}  {licence}"


def _describe_sizes(info: DatasetInfo, data_dir: str) -> str:
    words = []
    for size in info.sizes:
        state, _ = set_status(info, size, data_dir)
        known = "" if state is FileState.ABSENT else f" {state}"
        words.append(f"{size} px {format_size(_pixel_bytes(info, size))}{known}".replace(" ", "\xa0"))
    return fill(", ".join(words), _WIDTH, initial_indent="    ", subsequent_indent="    ").replace("\xa0", " ")


def _pixel_bytes(info: DatasetInfo, size: int) -> int:
    return sum(info.counts) * size * size * info.channels


def set_record(info: DatasetInfo, data_dir: str) -> dict[str, Any]:
    """What a program is told of a set."""
    sizes = []
    for size in info.sizes:
        state, files = set_status(info, size, data_dir)
        sizes.append(
            {
                "size": size,
                "pixel_bytes": _pixel_bytes(info, size),
                "state": state,
                "files": [_file_record(file) for file in files],
            }
        )
    return {
        "name": info.name,
        "title": info.title,
        "task": info.task,
        "classes": info.classes,
        "channels": info.channels,
        "train": info.counts[0],
        "val": info.counts[1],
        "test": info.counts[2],
        "licence": info.licence,
        "sizes": sizes,
    }


def _file_record(file: FileStatus) -> dict[str, Any]:
    return {
        "name": file.remote.name,
        "md5": file.remote.md5,
        "bytes": file.remote.size or None,
        "state": file.state,
        "path": str(file.path) if file.path else None,
        "bytes_here": file.size,
    }
