"""Stored training maps: maps of the same few validation images after each epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaitui.errors import DataError
from xaitui.runs.directory import RunDirectory
from xaitui.system.atomic_files import replacing
from xaitui.system.damaged_files import FILE_DAMAGE
from xaitui.system.hash_log import forget

STILL_EPOCHS = 3
"""Epochs in a row, after a first one, over which validation accuracy must have stood still for an alarm."""
STILL = 0.005
"""Accuracy stands still where its highest and its lowest value over those epochs differ by no more than this."""
MOVING = 0.2
"""Maps move where `moved` is more than this at each of those epochs."""


@dataclass(frozen=True, eq=False)
class Probe:
    """The images that are watched."""

    indices: NDArray[np.int64]
    """Their places in the validation split, (n,)."""
    labels: NDArray[np.int64]
    """Class indices (n,), or zeros and ones (n, L) where an image may have several."""
    targets: NDArray[np.int64]
    """The class whose logit is explained, (n,): the true one; of several the first that the image has."""
    images: NDArray[np.uint8]
    """(n, H, W, C), as they are in the dataset."""
    layer: str
    """The layer whose activations Grad-CAM weighs."""

    def is_same(self, other: Probe) -> bool:
        """Whether both ask the same of the same images; the layer may differ, for models may."""
        return np.array_equal(self.images, other.images) and np.array_equal(self.targets, other.targets)


@dataclass(frozen=True)
class WatchedEpoch:
    """One epoch of the series; its maps are read when they are asked for."""

    epoch: int
    path: Path
    accuracy: float
    """Of the whole validation split, 0 to 1; nan where it is not known."""
    moved: float
    """How far the maps moved since the epoch before: the mean of 1 - Spearman's rank correlation over the images,
    0 for maps that order their pixels alike, 1 for maps that have nothing in common; nan for the first epoch."""
    stamp: int = 0
    """Changes with the file."""


@dataclass(frozen=True, eq=False)
class Watched:
    """The series of one run."""

    probe: Probe
    rows: tuple[WatchedEpoch, ...]
    """In the order of their epochs. An epoch whose file is damaged is left out."""

    @property
    def epochs(self) -> tuple[int, ...]:
        """Which epochs there are, from 1 on."""
        return tuple(row.epoch for row in self.rows)

    @property
    def moved(self) -> tuple[float, ...]:
        """How far the maps moved at each of `epochs`; see `WatchedEpoch.moved`."""
        return tuple(row.moved for row in self.rows)

    @cached_property
    def alarms(self) -> tuple[int, ...]:
        """The epochs at which accuracy stands still and the maps move all the same."""
        ends = range(STILL_EPOCHS + 1, len(self.rows) + 1)
        return tuple(self.rows[end - 1].epoch for end in ends if is_alarm(self.rows[:end]))

    def maps(self, epoch: int) -> NDArray[np.float32]:
        """The maps (n, side, side) after an epoch: Grad-CAM, never negative, at the size that the model sees.

        Raises:
            KeyError: there is no such epoch.
            DataError: its file is damaged, or has gone since.
        """
        arrays = self._arrays(epoch)
        maps: NDArray[np.float32] = arrays["maps"].astype(np.float32) * arrays["peaks"][:, None, None]
        return maps

    def probabilities(self, epoch: int) -> NDArray[np.float32]:
        """What the model said of the images after an epoch, (n, C).

        Raises:
            KeyError: there is no such epoch.
            DataError: its file is damaged, or has gone since.
        """
        return self._arrays(epoch)["probabilities"]

    def _arrays(self, epoch: int) -> dict[str, NDArray[Any]]:
        path = {row.epoch: row.path for row in self.rows}[epoch]
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in ("maps", "peaks", "probabilities")}
        except FILE_DAMAGE:
            raise DataError(f"what was looked at in epoch {epoch} is damaged or gone: {path}") from None


def is_alarm(rows: Sequence[WatchedEpoch]) -> bool:
    """Whether at the last of these epochs accuracy has stood still for some epochs while the maps moved at each."""
    last = rows[-STILL_EPOCHS - 1 :]
    if len(last) <= STILL_EPOCHS or last[-1].epoch - last[0].epoch != STILL_EPOCHS:
        return False
    values = [row.accuracy for row in last]
    moves = all(row.moved > MOVING for row in last[1:])
    return moves and not any(map(math.isnan, values)) and max(values) - min(values) <= STILL


def watched_folder(run: RunDirectory) -> Path:
    """Where the files of the series are."""
    return run.explanations / "training"


def write_probe(folder: Path, probe: Probe) -> None:
    """Write what is watched, and begin its series: epochs of another one are removed.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    for each in (folder.parent, folder):  # not the run's own folder: one that was deleted stays so
        each.mkdir(exist_ok=True)
    for path in folder.glob("epoch-*.npz"):
        forget(path)
        path.unlink()
    with replacing(folder / "probe.npz") as file:
        np.savez_compressed(
            file,
            indices=probe.indices,
            labels=probe.labels,
            targets=probe.targets,
            images=probe.images,
            layer=np.array(probe.layer),
        )


def write_epoch(
    folder: Path,
    epoch: int,
    maps: NDArray[np.float32],
    probabilities: NDArray[np.float32],
    *,
    accuracy: float,
    moved: float,
) -> WatchedEpoch:
    """Write maps (n, side, side) and probabilities (n, C) of an epoch; one that is done again replaces its file.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    path = folder / f"epoch-{epoch:04}.npz"
    peaks = np.abs(maps).max(axis=(1, 2))
    peaks[peaks == 0] = 1  # float16 holds parts of a peak well; maps themselves may be too small for it, or too large
    scaled = (maps / peaks[:, None, None]).astype(np.float16)
    with replacing(path, durable=False) as file:  # an epoch may be over in less than a second
        np.savez_compressed(
            file,
            maps=scaled,
            peaks=peaks,
            probabilities=probabilities,
            accuracy=np.array(accuracy),
            moved=np.array(moved),
        )
    return WatchedEpoch(epoch, path, accuracy, moved)


def read_watched(run: RunDirectory, before: Watched | None = None) -> Watched | None:
    """Read the series of a run; None where nothing was watched, or where what was watched cannot be read.

    Args:
        before: what was read of the same run before: what has not changed since is not read again.
    """
    folder = watched_folder(run)
    probe = before.probe if before is not None else _read_probe(folder / "probe.npz")
    if probe is None:
        return None
    known = {(row.path, row.stamp): row for row in before.rows} if before is not None else {}
    rows = []
    for path in sorted(folder.glob("epoch-*.npz")):
        try:
            stamp = path.stat().st_mtime_ns
        except OSError:
            continue
        row = known.get((path, stamp)) or _read_row(path, stamp)
        rows += [row] if row is not None else []
    return Watched(probe, tuple(sorted(rows, key=lambda row: row.epoch)))


def _read_probe(path: Path) -> Probe | None:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            probe = Probe(
                arrays["indices"], arrays["labels"], arrays["targets"], arrays["images"], str(arrays["layer"])
            )
    except FILE_DAMAGE:
        return None
    count = len(probe.indices)
    whole = probe.images.ndim == 4 and len(probe.labels) == len(probe.targets) == len(probe.images) == count
    return probe if whole and count else None


def _read_row(path: Path, stamp: int) -> WatchedEpoch | None:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return WatchedEpoch(
                int(path.stem.removeprefix("epoch-")), path, float(arrays["accuracy"]), float(arrays["moved"]), stamp
            )
    except FILE_DAMAGE:
        return None
