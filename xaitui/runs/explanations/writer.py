"""Writing explanations: what was found before is kept where it was made in the same way, and added to."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaitui.errors import DataError, UsageError
from xaitui.runs.directory import RunDirectory
from xaitui.runs.explanations.maps import ExplanationSet, Sample, read_explanations, table_text
from xaitui.system.atomic_files import write_atomic
from xaitui.system.disk import writing_to
from xaitui.system.file_lock import exclusive
from xaitui.system.hash_log import forget

IDENTITY = ("method", "layer", "baseline", "steps", "seed", "weights_sha256")
"""The settings that make a map what it is."""


@contextmanager
def explaining(run: RunDirectory) -> Iterator[None]:
    """Be the only one who writes explanations of a run.

    Raises:
        UsageError: another process does.
        DataError: the disk is full or cannot be written.
    """
    with writing_to(run.explanations):
        try:
            with exclusive(run.explanations / ".lock", wait=False):
                yield
        except BlockingIOError:
            raise UsageError(f"another process is explaining {run.id}; try again when it is done") from None


def begin_set(folder: Path, settings: Mapping[str, Any]) -> tuple[ExplanationSet, bool]:
    """Open a set to add to; one that was made in another way is removed.

    Returns:
        The set, and whether another one had to go.
    """
    try:
        found = read_explanations(folder)
    except DataError:
        found = None
    if found and all(found.settings.get(name) == settings[name] for name in IDENTITY):
        if settings["scored"] and not found.settings.get("scored"):  # the maps cannot stay without their scores
            return _fresh(folder, {**settings, "trust": found.settings.get("trust")}), False
        return found, False
    return _fresh(folder, settings), folder.exists() and bool(found)


def _fresh(folder: Path, settings: Mapping[str, Any]) -> ExplanationSet:
    if folder.exists():
        forget(folder)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "pictures").mkdir(parents=True)
    write_atomic(folder / "samples.csv", table_text([], header=True), grows=True)
    write_settings(folder, settings)
    return read_explanations(folder)


def write_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Put settings in the place of those of before."""
    write_atomic(folder / "settings.json", json.dumps(settings, indent=2, allow_nan=False) + "\n")


def append(folder: Path, before: int, samples: Sequence[Sample], maps: NDArray[np.float32]) -> None:
    """Add rows to a set.

    Args:
        before: how many it has; what a writer that was killed left behind them is overwritten.
        samples: one for each of `maps`.
        maps: (n, H, W).
    """
    _append_maps(folder / "maps.npy", before, maps)
    with (folder / "samples.csv").open("r+b") as file:
        kept = b"".join(line for line in file.readlines() if line.endswith(b"\n"))
        file.seek(len(kept))
        file.write(table_text(samples, header=False).encode(errors="backslashreplace"))
        file.truncate()


def _append_maps(path: Path, before: int, maps: NDArray[np.float32]) -> None:
    """Write the rows, and only then a header that counts them; numpy leaves room in it for a larger number."""
    header = io.BytesIO()
    shape = (before + len(maps), *maps.shape[1:])
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": shape})
    with path.open("r+b" if before else "w+b") as file:
        file.seek(len(header.getvalue()) + before * maps[0].nbytes)
        file.write(np.ascontiguousarray(maps, "<f4").tobytes())
        file.truncate()
        file.seek(0)
        file.write(header.getvalue())
