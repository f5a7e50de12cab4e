"""Data of the explanation screen: predictions, stored maps and images of a run, read in a thread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from xaitui.data.dataset import Dataset, Split
from xaitui.errors import DataError
from xaitui.evaluation.evaluation import Evaluation
from xaitui.evaluation.mistakes import RANKINGS
from xaitui.runs.dataset import open_data
from xaitui.runs.directory import RunDirectory
from xaitui.runs.explanations.maps import ExplanationSet, Sample, read_explanations
from xaitui.tui.explain.client import Question
from xaitui.tui.widgets.picture import Pixels

Choice = Literal["mistakes", "uncertain", "suspicious", "all", "explained"]
CHOICES: tuple[Choice, ...] = get_args(Choice)
"""Which images are gone through."""


@dataclass(frozen=True)
class Found:
    """A stored map."""

    of: ExplanationSet
    row: int

    @property
    def sample(self) -> Sample:
        """What was explained, and how far the map can be trusted."""
        return self.of.samples[self.row]


@dataclass(frozen=True, eq=False)
class Material:
    """What is known of a run on one split."""

    split: str
    evaluation: Evaluation | None
    """None where it has no predictions of the split."""
    problem: str
    """Why it has none."""
    sets: tuple[ExplanationSet, ...]
    """The stored explanations of the split."""

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Which images can be gone through."""
        if self.evaluation is None:
            return ("explained",)
        return CHOICES if not self.evaluation.has_several_labels else ("all", "explained")

    def indices(self, choice: Choice) -> tuple[int, ...]:
        """The places of these images in the split, those first that most deserve a look."""
        if choice == "explained":
            return tuple(sorted({sample.index for each in self.sets for sample in each.samples}))
        if self.evaluation is None:
            return ()
        if choice in RANKINGS:
            return tuple(sample.index for sample in self.evaluation.rank(choice))
        return tuple(range(self.evaluation.images))

    def find(self, question: Question) -> Found | None:
        """The stored map that answers a question; without a layer, of any."""
        for each in self.sets:
            if each.method == question.method and (not question.layer or each.layer == question.layer):
                row = each.find(question.index, question.target)
                if row is not None:
                    return Found(each, row)
        return None

    def pictures(self, questions: Iterable[Question]) -> list[Path]:
        """The stored image files of the maps that answer some questions."""
        found = [each for each in map(self.find, questions) if each is not None]
        return [path for path in (each.of.picture(each.row) for each in found) if path.exists()]

    def subject(self, index: int) -> Subject | None:
        """What is known of an image; None where that is nothing."""
        if self.evaluation is not None and index < self.evaluation.images:
            predictions = self.evaluation.predictions
            probabilities, label = predictions.probabilities[index], predictions.labels[index]
            true = tuple(np.flatnonzero(label).tolist()) if label.ndim else (int(label),)
            return Subject(index, true, probabilities, self.evaluation.classes)
        known = [each.samples[row] for each in self.sets for row, one in enumerate(each.samples) if one.index == index]
        if not known:
            return None
        size = 1 + max(max(one.label, one.predicted, one.target) for one in known)
        probabilities = np.full(size, np.nan, np.float32)
        for one in known:
            probabilities[[one.predicted, one.target]] = one.p_predicted, one.p_target
        return Subject(index, (known[0].label,) if known[0].label >= 0 else (), probabilities, ())


@dataclass(frozen=True, eq=False)
class Subject:
    """An image, and what the model said of it."""

    index: int
    true: tuple[int, ...]
    """Its class; several, or none, where an image may have several."""
    probabilities: NDArray[np.float32]
    """(C,); NaN where one is not known."""
    classes: Sequence[str]
    """Names of the classes, foreign text; none where they are not known."""

    @cached_property
    def order(self) -> tuple[int, ...]:
        """The classes, the most probable first."""
        return tuple(np.argsort(-np.nan_to_num(self.probabilities), kind="stable").tolist())

    @property
    def predicted(self) -> int:
        """The most probable class."""
        return self.order[0]

    def share(self, index: int) -> str:
        """The probability of a class, in words."""
        value = float(self.probabilities[index])
        return "-" if np.isnan(value) else f"{value:.1%}"

    def name(self, index: int) -> str:
        """The name of a class, or its number."""
        return self.classes[index] if index < len(self.classes) else str(index)


class MaterialReader:
    """Reads a run again and again; what has not changed on disk is not read again."""

    def __init__(self, run: RunDirectory, data_dir: str) -> None:
        self._run, self._data_dir = run, data_dir
        self._evaluations: dict[str, tuple[object, Evaluation | None, str]] = {}
        self._sets: dict[Path, tuple[object, ExplanationSet | None]] = {}
        self._dataset: Dataset | None = None
        self._splits: dict[str, Split] = {}

    def read(self, split: str) -> Material:
        """What there is of a split."""
        evaluation, problem = self._evaluation(split)
        paths = sorted(self._run.explanations.glob(f"{split}-*/settings.json"))
        sets = [self._set(path.parent) for path in paths]
        return Material(split, evaluation, problem, tuple(each for each in sets if each is not None and each.samples))

    def image(self, split: str, index: int) -> Pixels:
        """An image (H, W, C) of the dataset, which is opened with the first one.

        Raises:
            DataError: the data is not here, or not what the run was made with.
        """
        if split not in self._splits:
            self._dataset = data = self._dataset or open_data(self._run, data_dir=self._data_dir)
            self._splits[split] = {"train": lambda: data.train, "val": lambda: data.val, "test": data.read_test}[
                split
            ]()
        found: Pixels = self._splits[split].read(np.array([index]))[0]
        return found

    def _evaluation(self, split: str) -> tuple[Evaluation | None, str]:
        stamp = _stamp(self._run.predictions / f"{split}.npz", self._run.preprocessing)
        if split not in self._evaluations or self._evaluations[split][0] != stamp:
            try:
                self._evaluations[split] = stamp, Evaluation.read(self._run, split), ""
            except DataError as error:
                self._evaluations[split] = stamp, None, str(error)
        return self._evaluations[split][1:]

    def _set(self, folder: Path) -> ExplanationSet | None:
        """A set; None where it is damaged."""
        stamp = _stamp(folder / "settings.json", folder / "samples.csv", folder / "maps.npy")
        if folder not in self._sets or self._sets[folder][0] != stamp:
            try:
                self._sets[folder] = stamp, read_explanations(folder)
            except DataError:
                self._sets[folder] = stamp, None
        return self._sets[folder][1]


def _stamp(*paths: Path) -> object:
    """Changes with any of some files."""
    found = []
    for path in paths:
        try:
            status = path.stat()
            found.append((status.st_mtime_ns, status.st_size))
        except OSError:
            found.append((0, -1))
    return tuple(found)
