"""Decoded pictures in the user's cache: one plain array per split, made once for a state of its source files.

They lie among the unpacked arrays of `array_cache`, under the same kind of name, and are listed and freed with them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path

from numpy.lib import format as npy

from xaitui.data.array_cache import array_folder
from xaitui.data.decode import RULES, decode, probe
from xaitui.data.disk import Report, ensure_free, exclusive, publish, writing_to
from xaitui.data.rows import RowFile
from xaitui.data.source import Residency
from xaitui.errors import DataError
from xaitui.text import printable

LARGEST_SIDE = 224
"""Side in pixels above which pictures are scaled down unless a size is asked for."""


def decoded_rows(
    folder: Path, pictures: Mapping[str, Sequence[Path]], side: int, residency: Residency
) -> dict[str, RowFile]:
    """Return the pictures of each split as rows (N, side, side, C), decoded now if they are not yet.

    The key is a hash of the rules and of each file's path below `folder`, length and time of change.

    Raises:
        DataError: a picture cannot be used, or there is no room for the arrays.
    """
    cache = residency.cache_dir or array_folder()
    name = re.sub(r"[^\w-]", "_", folder.resolve().name)[:80]
    key = _key(folder, pictures, side)
    targets = {split: cache / f"{name}.{split}.{key}.npy" for split in pictures}
    if not all(target.exists() for target in targets.values()):
        side, channels = geometry([path for paths in pictures.values() for path in paths], side)
        for split, target in targets.items():
            with writing_to(cache), exclusive(target.with_name(target.name + ".lock")):
                if not target.exists():
                    shape = (len(pictures[split]), side, side, channels)
                    _write(pictures[split], shape, target, residency.report)
    return {split: _rows(target) for split, target in targets.items()}


def _key(folder: Path, pictures: Mapping[str, Sequence[Path]], side: int) -> str:
    try:
        files = {
            split: [(str(path.relative_to(folder)), (stat := path.stat()).st_size, stat.st_mtime_ns) for path in paths]
            for split, paths in pictures.items()
        }
    except OSError as error:
        raise DataError(f"picture {printable(error.filename)} cannot be used: {error.strerror}") from error
    return hashlib.sha256(json.dumps([RULES, LARGEST_SIDE, side, files]).encode()).hexdigest()[:16]


def geometry(paths: Sequence[Path], side: int) -> tuple[int, int]:
    """Return side and channels for pictures of a set: the most common shorter side, grey if every one is."""
    headers = [probe(path) for path in paths]
    sides = Counter(header.short_side for header in headers)
    most_common = max(sides, key=lambda length: (sides[length], -length))
    return side or min(most_common, LARGEST_SIDE), 1 if all(header.is_grey for header in headers) else 3


def _write(paths: Sequence[Path], shape: tuple[int, int, int, int], target: Path, report: Report) -> None:
    ensure_free(target.parent, prod(shape))
    part = target.with_name(target.name + ".part")
    try:
        with part.open("wb") as file:
            npy.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
            for done, path in enumerate(paths, start=1):
                file.write(decode(path, shape[1], shape[3]).data)
                report(done * prod(shape[1:]), prod(shape))
        publish(part, target)
    finally:
        part.unlink(missing_ok=True)


def _rows(path: Path) -> RowFile:
    with path.open("rb") as file:
        npy.read_magic(file)
        (count, height, width, channels), _, _ = npy.read_array_header_1_0(file)
        return RowFile(path, offset=file.tell(), shape=(count, height, width, channels))
