"""Verdict on a map and on a method: whether it beats reference maps that do not depend on the model."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from xaitui.explain.trust.degenerate import problems_of
from xaitui.explain.trust.faithfulness import deletion, insertion
from xaitui.explain.trust.judged_images import Explain, Subjects
from xaitui.explain.trust.randomisation import Randomisation
from xaitui.explain.trust.reference_maps import FLOORS, Floor
from xaitui.explain.trust.robustness import NOISY_COPIES, SQUARES, infidelity, sensitivity, sparseness
from xaitui.metrics.statistics import PairedDifference, paired_difference

Scores = Mapping[str, NDArray[np.float64]]
"""By the names of scores: a value an image (N,), NaN for a map that tells no pixel from another."""

JUDGED_IMAGES = 100
"""Images on which a method is judged; more make its intervals hardly narrower, and cost as much each."""

Better = Literal["lower", "higher"]
FAITHFULNESS: Mapping[str, Better] = {"deletion": "lower", "insertion": "higher"}
"""The scores by which a method beats a floor or does not, and which way is better."""


def score_maps(subjects: Subjects, maps: NDArray[np.float32], explain: Explain | None = None) -> Scores:
    """Score maps (N, H, W) one by one: deletion, insertion, infidelity, sparseness.

    Args:
        explain: the method itself, where sensitivity is wanted, too; each map is made eleven times for it.
    """
    rows = [row for row, problem in enumerate(problems_of(maps)) if not problem]
    if not rows:
        nothing = np.full(len(maps), math.nan)
        return dict.fromkeys((*_OF_A_MAP, "sensitivity") if explain else _OF_A_MAP, nothing)
    told, known = subjects.only(rows), maps[rows]
    found = {name: score(told, known) for name, score in _OF_A_MAP.items()}
    if explain is not None:
        found["sensitivity"] = sensitivity(told, explain)
    return {name: _among_nan(values, rows, len(maps)) for name, values in found.items()}


def passes_of_scores(side: int, one_map: int) -> int:
    """About how often an image of that side in pixels passes through the model for the scores of its map.

    Args:
        side: in pixels.
        one_map: passes of the method for a map, where sensitivity is wanted; else 0.
    """
    return 2 * (side + 1) + SQUARES + 1 + (NOISY_COPIES + 1) * one_map


_OF_A_MAP: Mapping[str, Callable[[Subjects, NDArray[np.float32]], NDArray[np.float64]]] = {
    "deletion": deletion,
    "insertion": insertion,
    "infidelity": infidelity,
    "sparseness": lambda subjects, maps: sparseness(maps),
}


def _among_nan(values: NDArray[np.float64], rows: Sequence[int], count: int) -> NDArray[np.float64]:
    found = np.full(count, math.nan)
    found[rows] = values
    return found


def score_floors(subjects: Subjects) -> dict[str, Scores]:
    """The scores of every floor by its name: they depend on no method, and are needed once for the same subjects."""
    return {name: _score_floor(subjects, floor) for name, floor in FLOORS.items()}


def _score_floor(subjects: Subjects, floor: Floor) -> Scores:
    maps = floor.draw(subjects)
    if floor.sees_image:
        return score_maps(subjects, maps, lambda inputs, targets: floor.draw(replace(subjects, inputs=inputs)))
    return {**score_maps(subjects, maps), "sensitivity": np.zeros(len(maps))}


@dataclass(frozen=True)
class Verdict:
    """A method on a run, beside the floors on the same images."""

    images: int
    """How many were explained; maps that tell no pixel from another are among them."""
    method: Mapping[str, PairedDifference]
    """By score: its mean over the images with a value, with Student's 95 % interval."""
    floors: Mapping[str, Mapping[str, PairedDifference]]
    """The same of every floor."""
    differences: Mapping[str, Mapping[str, PairedDifference]]
    """By floor and score of `FAITHFULNESS`: method less floor, image by image."""

    def beats(self, floor: str, score: str) -> bool:
        """Whether the interval of the differences lies on the better side of zero as a whole."""
        difference = self.differences[floor][score]
        return difference.high < 0 if FAITHFULNESS[score] == "lower" else difference.low > 0

    @property
    def badge(self) -> str:
        """What must stand beside every map of the method; empty where it beats every floor."""
        if all(each.n < 2 for scores in self.differences.values() for each in scores.values()):
            return "too few maps to tell it from its floors"
        lost = {
            floor: [score for score in scores if not self.beats(floor, score)]
            for floor, scores in self.differences.items()
        }
        said = [f"{floor} ({', '.join(scores)})" for floor, scores in lost.items() if scores]
        return f"does not beat {', '.join(said)}" if said else ""

    def record(self, randomisation: Randomisation | None = None) -> dict[str, Any]:
        """Plain values, for JSON; what is not known is None. A randomisation that is not passed joins the badge."""
        found = {
            "images": self.images,
            "method": _plain(self.method),
            "floors": {floor: _plain(scores) for floor, scores in self.floors.items()},
            "differences": {floor: _plain(scores) for floor, scores in self.differences.items()},
            "beats": {
                floor: {score: self.beats(floor, score) for score in scores}
                for floor, scores in self.differences.items()
            },
            "badge": self.badge,
        }
        if randomisation is None:
            return found
        badge = "; ".join(text for text in (self.badge, randomisation.badge) if text)
        return {**found, "badge": badge, "randomisation": randomisation.record()}


def judge(scores: Scores, floors: Mapping[str, Scores]) -> Verdict:
    """Hold the scores of a method against those of the floors, all of the same subjects.

    RISE and its followers compare means; paired differences with an interval say in addition whether so many images can
    tell the two apart. A method beats a floor in a score if its 95 % interval leaves out zero on the better side.
    """
    differences = {
        floor: {name: _difference(scores[name], values[name]) for name in FAITHFULNESS}
        for floor, values in floors.items()
    }
    means = {floor: _means(values) for floor, values in floors.items()}
    return Verdict(len(scores["deletion"]), _means(scores), means, differences)


def _means(scores: Scores) -> dict[str, PairedDifference]:
    return {name: _difference(values, np.zeros_like(values)) for name, values in scores.items()}


def _difference(values: NDArray[np.float64], baseline: NDArray[np.float64]) -> PairedDifference:
    return paired_difference(values.tolist(), baseline.tolist())


def _plain(intervals: Mapping[str, PairedDifference]) -> dict[str, dict[str, float | None]]:
    return {
        name: {key: value if math.isfinite(value) else None for key, value in asdict(interval).items()}
        for name, interval in intervals.items()
    }
