"""Significance tests of the difference between runs on the same images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.datasets import DATASETS
from xaitui.errors import DataError
from xaitui.events import Note
from xaitui.metrics.scores import THRESHOLD
from xaitui.runs.directory import RunDirectory
from xaitui.runs.journal.journal import read_journal
from xaitui.runs.listing.settings import read_settings
from xaitui.runs.predictions import Predictions, read_predictions
from xaitui.runs.recorded_data import same_data

LEVEL = 0.05
"""Family-wise error rate over all tests of a comparison."""
RESAMPLES = 10_000

SplitName = Literal["val", "test"]
Verdict = Literal["better", "worse", "not distinguishable"]


@dataclass(frozen=True)
class PairedTest:
    """Test of a run and the baseline on the same images."""

    run: int
    """Index of the run."""
    images: int
    several_labels: bool
    """Whether an image may have several labels; then `p` is the bootstrap's, else that of McNemar's test."""
    difference: float
    """Accuracy minus the baseline's; for multi-label tasks over all labels of all images."""
    low: float
    high: float
    """The 95 % interval of the difference."""
    only_run: int
    """Images that only the run has right; for multi-label tasks with all their labels."""
    only_baseline: int
    p: float
    """The p value: probability of such a difference or a larger one between equal runs."""
    adjusted: float
    """The p value adjusted for all tests of the comparison (Holm 1979)."""

    @property
    def verdict(self) -> Verdict:
        """The conclusion at the level `LEVEL`."""
        if not self.adjusted < LEVEL or not self.difference:
            return "not distinguishable"
        return "better" if self.difference > 0 else "worse"


@dataclass(frozen=True)
class Significance:
    """The tests of a comparison, and the reasons for those that are not possible."""

    split: SplitName
    tests: tuple[PairedTest, ...]
    untested: dict[int, str]
    """Why a run cannot be tested, by its index."""


def tell_apart(runs: Sequence[RunDirectory], baseline: int, split: SplitName = "val") -> Significance:
    """Test every run against one of them on their stored predictions of a split."""
    pinned = _read(runs[baseline], split)
    tests: list[PairedTest] = []
    untested: dict[int, str] = {}
    for index, run in enumerate(runs):
        if index == baseline:
            continue
        own = _read(run, split)
        if isinstance(own, str):
            untested[index] = own
        elif isinstance(pinned, str):
            untested[index] = f"of the baseline: {pinned}"
        elif why := _incomparable(run, runs[baseline], split) or _differing_labels(own, pinned):
            untested[index] = why
        else:
            tests.append(_test(index, own, pinned))
    adjusted = holm([each.p for each in tests])
    return Significance(
        split, tuple(replace(each, adjusted=p) for each, p in zip(tests, adjusted, strict=True)), untested
    )


def _read(run: RunDirectory, split: SplitName) -> Predictions | str:
    try:
        return read_predictions(run.predictions / f"{split}.npz")
    except DataError as error:
        return str(error)


def _incomparable(run: RunDirectory, baseline: RunDirectory, split: SplitName) -> str:
    """Why two runs do not have the same images in a split, from their settings; empty if they have."""
    one, other = read_settings(run), read_settings(baseline)
    if not same_data(run, baseline):
        return "they are of different datasets"
    # Comparing the labels is not enough: different cuts of a dataset that is sorted by class have equal labels.
    if split == "val" and (_is_cut(run) or _is_cut(baseline)):
        if one.get("data.val_fraction") != other.get("data.val_fraction"):
            return "another part of train was cut for validation"
        if one.get("training.seed") != other.get("training.seed"):
            return "seeds cut different validation images"
    return ""


def _is_cut(run: RunDirectory) -> bool:
    """Whether the validation images of a run were cut from train: by the catalog, otherwise by a note of the run."""
    info = DATASETS.get(str(read_settings(run).get("data.dataset")))
    if info is not None:
        return not info.counts[1]
    try:
        events = read_journal(run.journal)
    except OSError:
        return True
    return any(isinstance(event, Note) and event.message.startswith("val is cut from train") for event in events)


def _differing_labels(one: Predictions, other: Predictions) -> str:
    same = one.labels.shape == other.labels.shape and np.array_equal(one.labels, other.labels)
    return "" if same else "they were made of other images"


def _test(run: int, own: Predictions, pinned: Predictions) -> PairedTest:
    """Test one pair.

    The interval is that of a paired bootstrap over images (Efron and Tibshirani 1993). The p value is that of McNemar's
    exact test (Dietterich 1998); where an image may have several labels it is the bootstrap's, two-sided.
    """
    hits, pinned_hits = _hits(own), _hits(pinned)
    labels = hits.shape[1]
    more = hits.sum(axis=1) - pinned_hits.sum(axis=1)
    means = bootstrap_means(more) / labels
    low, high = np.quantile(means, [0.025, 0.975])
    whole, pinned_whole = hits.all(axis=1), pinned_hits.all(axis=1)
    only_run, only_baseline = int((whole & ~pinned_whole).sum()), int((pinned_whole & ~whole).sum())
    several = own.has_several_labels
    p = _bootstrap_p(means) if several else mcnemar(only_run, only_baseline)
    return PairedTest(
        run, len(hits), several, float(more.mean()) / labels, float(low), float(high), only_run, only_baseline, p, p
    )


def _hits(predictions: Predictions) -> NDArray[np.bool_]:
    """Correct predictions, of shape (N, 1), or for multi-label tasks (N, L)."""
    if predictions.has_several_labels:
        right: NDArray[np.bool_] = (predictions.probabilities > THRESHOLD) == (predictions.labels > 0)
        return right
    right = predictions.probabilities.argmax(axis=1) == predictions.labels
    return right[:, np.newaxis]


def bootstrap_means(values: NDArray[np.int64], seed: int = 0, resamples: int = RESAMPLES) -> NDArray[np.float64]:
    """Means of bootstrap resamples of integers (N,), of shape (resamples,).

    The counts of the distinct values are drawn from a multinomial distribution, without an array of all images.
    """
    kinds, counts = np.unique(values, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(len(values), counts / len(values), size=resamples)
    means: NDArray[np.float64] = drawn @ kinds / len(values)
    return means


def _bootstrap_p(means: NDArray[np.float64]) -> float:
    """Twice the rarer side of zero; never 0, because the number of resamples is finite (Davison and Hinkley 1997)."""
    rarer = min(int((means <= 0).sum()), int((means >= 0).sum()))
    return min(1.0, 2 * (rarer + 1) / (len(means) + 1))


def mcnemar(only_one: int, only_other: int) -> float:
    """The exact two-sided p value of McNemar's test, from the images that only one of two has right."""
    if only_one + only_other == 0:
        return 1.0
    from scipy.stats import binomtest  # loads slowly, and only here is it needed

    return float(binomtest(only_one, only_one + only_other, 0.5).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p values, in the order given: the step-down rule of Holm (1979)."""
    adjusted, worst = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        worst = max(worst, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = worst
    return adjusted
