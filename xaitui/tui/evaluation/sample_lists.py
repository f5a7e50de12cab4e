"""Samples of a run that are listed: read, opened and written in threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xaitui.catalog.splits import SPLITS
from xaitui.data.dataset import Split
from xaitui.errors import DataError
from xaitui.evaluation.evaluation import Evaluation
from xaitui.evaluation.mistakes import Ranking, Sample
from xaitui.evaluation.mistakes_export import contact_sheet, samples_csv
from xaitui.runs.dataset import open_data
from xaitui.runs.directory import RunDirectory
from xaitui.system.atomic_files import write_atomic

MOST = 300
"""Samples that are listed, and exported."""


@dataclass(frozen=True)
class SampleList:
    """What is listed of a split, and how many there are in all."""

    evaluation: Evaluation
    samples: Sequence[Sample]
    found: int

    @staticmethod
    def of(evaluation: Evaluation, ranking: Ranking, pair: tuple[int, int] | None) -> SampleList:
        """The first of the samples that are ranked so, of one class taken for another or of all."""
        samples = evaluation.rank(ranking, pair=pair)
        return SampleList(evaluation, samples[:MOST], len(samples))

    def write_csv(self, path: Path) -> None:
        """Write a line a sample.

        Raises:
            OSError: it cannot be written.
        """
        write_atomic(path, samples_csv(self.evaluation, self.samples))

    def write_sheet(self, path: Path, images: Split) -> None:
        """Write the images of the samples as one PNG.

        Raises:
            OSError: it cannot be written, or an image cannot be read.
        """
        pixels = images.read(np.array([each.index for each in self.samples], np.int64))
        write_atomic(path, contact_sheet(pixels, self.samples, self.evaluation.classes))


def open_images(run: RunDirectory, evaluation: Evaluation, data_dir: str) -> Split:
    """The images that were predicted.

    Raises:
        DataError: they are not here, or others.
    """
    split = evaluation.split
    if split not in SPLITS:
        raise DataError(f"the images of {split} are shown by `xaitui evaluate --data ... --sheet FILE.png`")
    found = open_data(run, data_dir=data_dir).split(split)
    if not np.array_equal(found.labels, evaluation.predictions.labels):
        raise DataError(f"the {split} images are not those that were predicted")
    return found
