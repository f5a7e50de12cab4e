"""Explanations on disk: the maps of one method, what was explained, and how far each map can be trusted.

A set of them is a folder `explanations/<split>-<method>[@layer]/` of the run:

- `settings.json`: how they were made, and under "trust" what was found of the method on this run as a whole;
- `maps.npy`: float32 (n, H, W) at the side that the model sees, row by row as in the table;
- `samples.csv`: a row a map, with its scores;
- `pictures/`: a PNG a map, of the first hundred.

Maps and table only grow, the table last: a set whose writer was killed is whole up to there.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from xaitui.errors import DataError
from xaitui.system.damaged_files import FILE_DAMAGE, RECORD_DAMAGE
from xaitui.text import printable

if TYPE_CHECKING:  # whoever lists explanations need not wait for numpy
    import numpy as np
    from numpy.typing import NDArray

    from xaitui.runs.directory import RunDirectory

SCORES = (
    "deletion",
    "insertion",
    "infidelity",
    "sensitivity",
    "completeness",
    "steps",
    "sparseness",
)
"""What a map may be judged by; a method, or a map that is all zero, lacks some of them."""

INCOMPLETE = 0.05
"""Completeness error above which a map carries a badge."""

SEVERAL_LABELS = -1
"""Stands for the label of an image that may have several."""

_FACTS = ("index", "label", "predicted", "target")
_NUMBERS = ("p_label", "p_predicted", "p_target", "loss")
COLUMNS = (*_FACTS, *_NUMBERS, *SCORES, "problem")


@dataclass(frozen=True)
class Sample:
    """One image that was explained, for one class."""

    index: int
    """Of the image in its split."""
    label: int
    """Class that it has; `SEVERAL_LABELS` where it may have several."""
    predicted: int
    """Class of the largest output."""
    target: int
    """Class that the map is about."""
    p_label: float
    """Probability of the label; NaN where it may have several."""
    p_predicted: float
    p_target: float
    loss: float
    """Cross-entropy of the sample; NaN where it may have several labels."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """Finite ones only, by their names in `SCORES`."""
    problem: str = ""
    """One of `MAP_PROBLEMS`, or nothing."""

    @property
    def badge(self) -> str:
        """What must stand beside the map; empty where nothing must."""
        error = self.scores.get("completeness", 0.0)
        return f"its sum is {error:.1%} off" if error > INCOMPLETE and not self.problem else self.problem

    def row(self) -> list[str]:
        """Its cells in the table, in the order of `COLUMNS`."""
        numbers = [_cell(getattr(self, name)) for name in _NUMBERS]
        scores = [_cell(self.scores.get(name, math.nan)) for name in SCORES]
        return [*(str(getattr(self, name)) for name in _FACTS), *numbers, *scores, self.problem]


def _cell(value: float) -> str:
    return f"{value:.8g}" if math.isfinite(value) else ""


def _number(cell: str) -> float:
    return float(cell) if cell else math.nan


@dataclass(frozen=True)
class ExplanationSet:
    """The maps of one method on one split of a run."""

    path: Path
    split: str
    method: str
    layer: str
    """Path of the layer that was looked at; empty where a method has none."""
    settings: Mapping[str, Any]
    """method, layer, baseline, steps, seed, versions and so on; "trust" holds the verdict on the method."""
    samples: tuple[Sample, ...]

    def map(self, row: int) -> NDArray[np.float32]:
        """The map (H, W) of a row of `samples`; what is positive speaks for the class.

        Raises:
            DataError: the file of the maps is damaged.
        """
        import numpy as np

        try:
            return np.array(self._maps[row])
        except FILE_DAMAGE:
            raise DataError(f"{self.path / 'maps.npy'} is damaged; explain again") from None

    @property
    def badge(self) -> str:
        """What must stand beside every map of the set; empty where nothing must, or it was not judged."""
        trust = self.settings.get("trust")
        return str(trust.get("badge", "")) if isinstance(trust, dict) else ""

    @cached_property
    def _maps(self) -> NDArray[np.float32]:
        import numpy as np

        maps: NDArray[np.float32] = np.load(self.path / "maps.npy", mmap_mode="r", allow_pickle=False)
        if maps.ndim != 3 or maps.dtype != np.float32:
            raise ValueError("these are no maps")
        return maps

    @cached_property
    def _rows(self) -> dict[tuple[int, int], int]:
        return {(sample.index, sample.target): row for row, sample in enumerate(self.samples)}

    def find(self, index: int, target: int) -> int | None:
        """The row of an image explained for a class; None where there is none."""
        return self._rows.get((index, target))

    def picture(self, row: int) -> Path:
        """Where the picture of a row lies, if it was drawn."""
        return picture_path(self.path, self.samples[row])


def picture_path(folder: Path, sample: Sample) -> Path:
    """Where the picture of a sample belongs."""
    return folder / "pictures" / f"{sample.index:05}-class-{sample.target}.png"


def set_folder(run: RunDirectory, split: str, method: str, layer: str = "") -> Path:
    """The folder of a set."""
    return run.explanations / (f"{split}-{method}" + (f"@{quote(layer, safe='')}" if layer else ""))


def read_explanations(path: Path) -> ExplanationSet:
    """Read a set; a last row that is torn does not count.

    Raises:
        DataError: it is not there, or damaged.
    """
    try:
        settings = json.loads((path / "settings.json").read_text(encoding="utf-8"))
        with (path / "samples.csv").open(encoding="utf-8", newline="") as file:
            samples = _read_samples(file)
        split, method, layer = (str(settings[name]) for name in ("split", "method", "layer"))
    except RECORD_DAMAGE:
        raise DataError(f"the explanations in {printable(path)} are damaged; explain again") from None
    return ExplanationSet(path, split, method, layer, settings, samples)


def _read_samples(lines: Iterable[str]) -> tuple[Sample, ...]:
    """The samples of a table, by the names in its first row.

    Raises:
        ValueError: a row before the last one is damaged.
    """
    rows = csv.DictReader(line for line in lines if line.endswith("\n"))
    return tuple(map(_sample, rows))


def _sample(cells: Mapping[str, str]) -> Sample:
    index, label, predicted, target = (int(cells[name]) for name in _FACTS)
    p_label, p_predicted, p_target, loss = (_number(cells[name]) for name in _NUMBERS)
    scores = {name: float(cells[name]) for name in SCORES if cells[name]}
    return Sample(index, label, predicted, target, p_label, p_predicted, p_target, loss, scores, cells["problem"])


def list_explanations(run: RunDirectory) -> list[ExplanationSet]:
    """Every set of a run that can be read and has a sample, by name."""
    found = []
    for path in sorted(run.explanations.glob("*/settings.json")):
        try:
            each = read_explanations(path.parent)
        except DataError:
            continue
        if each.samples:
            found.append(each)
    return found


def table_text(samples: Sequence[Sample], *, header: bool) -> str:
    """Rows of the table, with its first one if `header` says so."""
    rows = [",".join(COLUMNS)] if header else []
    return "".join(f"{line}\n" for line in [*rows, *(",".join(sample.row()) for sample in samples)])


@dataclass(frozen=True)
class Explained:
    """The rows of a set that were asked for, with the names of the classes."""

    found: ExplanationSet
    rows: tuple[int, ...]
    classes: tuple[str, ...]

    @property
    def samples(self) -> tuple[Sample, ...]:
        """Those that were asked for, in that order."""
        return tuple(self.found.samples[row] for row in self.rows)
