"""One run's explanations beside another's, on disk: the same images, the same classes, two models.

A set of them is a folder `explanations/against-<the other run>/<split>-<method>/` of the first run:

- `settings.json`: of what they are, and how they were made;
- `samples.csv`: a row an image, with how alike the two maps are;
- `maps.npz`: `own` and `other`, float32 (n, H, W), row by row as in the table;
- `pictures/`: a PNG of the difference for each image.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaitui.errors import DataError
from xaitui.runs.directory import RunDirectory
from xaitui.system.atomic_files import replacing, write_atomic
from xaitui.system.damaged_files import FILE_DAMAGE, RECORD_DAMAGE

Maps = NDArray[np.float32]


@dataclass(frozen=True)
class PairedSample:
    """One image that two runs were asked about; see `explain.between.Likeness`."""

    index: int
    """In the split."""
    target: int
    """The class that both maps are about."""
    spearman_abs: float
    spearman_signed: float
    ssim: float


@dataclass(frozen=True)
class Against:
    """The maps of one method on some images, by two runs."""

    path: Path
    other: str
    """Id of the other run."""
    split: str
    method: str
    settings: Mapping[str, Any]
    """The layers, baseline, steps, seed, and the weights of both."""
    samples: tuple[PairedSample, ...]

    def maps(self) -> tuple[Maps, Maps]:
        """The maps (n, H, W) of the run and of the other one.

        Raises:
            DataError: they are damaged or gone.
        """
        try:
            with np.load(self.path / "maps.npz", allow_pickle=False) as arrays:
                return arrays["own"], arrays["other"]
        except FILE_DAMAGE:
            raise DataError(f"{self.path / 'maps.npz'} is damaged or gone; explain again") from None

    def picture(self, row: int) -> Path:
        """Where the picture of a row of `samples` belongs."""
        return self.path / "pictures" / f"{self.samples[row].index:05}-class-{self.samples[row].target}.png"


def against_folder(run: RunDirectory, other: str, split: str, method: str) -> Path:
    """The folder of a set."""
    return run.explanations / f"against-{other}" / f"{split}-{method}"


def write_against(found: Against, own: Maps, other: Maps) -> None:
    """Write a set in the place of the one that is there.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    found.path.mkdir(parents=True, exist_ok=True)
    with replacing(found.path / "maps.npz") as file:
        np.savez_compressed(file, own=own, other=other)
    text = io.StringIO()
    table = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(asdict(sample) for sample in found.samples)
    write_atomic(found.path / "samples.csv", text.getvalue())
    settings = {**found.settings, "other": found.other, "split": found.split, "method": found.method}
    write_atomic(found.path / "settings.json", json.dumps(settings, indent=2) + "\n")


_COLUMNS = tuple(field.name for field in fields(PairedSample))


def list_against(run: RunDirectory) -> list[Against]:
    """Every set of a run that can be read, by the other run's id and the method."""
    found = [_read(path.parent) for path in sorted(run.explanations.glob("against-*/*/settings.json"))]
    return [each for each in found if each is not None]


def _read(path: Path) -> Against | None:
    try:
        settings = json.loads((path / "settings.json").read_text(encoding="utf-8"))
        with (path / "samples.csv").open(encoding="utf-8", newline="") as file:
            samples = tuple(
                PairedSample(int(row["index"]), int(row["target"]), *(float(row[name]) for name in _COLUMNS[2:]))
                for row in csv.DictReader(file)
            )
        other, split, method = (str(settings[name]) for name in ("other", "split", "method"))
    except RECORD_DAMAGE:
        return None
    return Against(path, other, split, method, settings, samples)


def mean_of(samples: Sequence[PairedSample], name: str) -> float:
    """The mean of one of the numbers over the images where it is known; nan where it is for none."""
    values = [value for value in (float(getattr(sample, name)) for sample in samples) if not math.isnan(value)]
    return sum(values) / len(values) if values else math.nan
