"""Cut what a source does not have, validation and test, from its training split."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from xaitui.data.dataset import Dataset, Images, Split
from xaitui.data.rows import RowFile
from xaitui.data.source import Part, Source
from xaitui.errors import DataError, UsageError
from xaitui.seeds import derive_seed

Rows = NDArray[np.int64]
Labels = NDArray[np.int64]

TEST_FRACTION = 0.2
"""Part of train that becomes the test split where none was published."""
_TEST_SEED = 0
"""The same for every run: scores of runs with other seeds stay comparable, for they are of the same images."""


def split_rows(labels: NDArray[np.int64], fraction: float, seed: int) -> tuple[Rows, Rows]:
    """Divide the rows of `labels` at random into (kept, taken), stratified, both ascending.

    Each class gives its share of ``round(N * fraction)`` rows, by largest remainder, but never its last row.
    Multi-label rows (N, L) are one stratum: their combinations are too many, and most too rare, to share out.

    numpy promises the same raw bits for a seed for ever, but not the same permutation; so the order is that of raw
    64-bit draws, and a split is the same on every machine and with every version.
    """
    strata = labels if labels.ndim == 1 else np.zeros(len(labels), np.int64)
    counts = np.bincount(strata)
    shares = _shares(counts.tolist(), max(1, round(len(labels) * fraction)))
    order = np.argsort(np.random.PCG64(seed).random_raw(len(labels)), kind="stable")
    grouped = order[np.argsort(strata[order], kind="stable")]
    stratum = strata[grouped]
    place = np.arange(len(grouped)) - (np.cumsum(counts) - counts)[stratum]
    taken = np.zeros(len(labels), np.bool_)
    taken[grouped[place < shares[stratum]]] = True
    return np.flatnonzero(~taken), np.flatnonzero(taken)


def _shares(counts: list[int], total: int) -> NDArray[np.int64]:
    """Share `total` out among strata of these sizes, in whole numbers, leaving at least one row in each."""
    rows = sum(counts)
    shares = [min(count * total // rows, max(count - 1, 0)) for count in counts]
    missing = total - sum(shares)
    for stratum in sorted(range(len(counts)), key=lambda index: -(counts[index] * total % rows)):
        if missing > 0 and shares[stratum] + 1 < counts[stratum]:
            shares[stratum] += 1
            missing -= 1
    return np.array(shares)


@dataclass(frozen=True, eq=False)
class RowSelection(RowFile):
    """Some rows of a file, numbered anew from 0."""

    chosen: Rows

    def read(self, rows: Rows, out: NDArray[np.uint8]) -> None:
        """Read `rows` of the selection into `out`, as `RowFile.read` does."""
        super().read(self.chosen[rows], out)


def select_rows(images: Images, rows: Rows) -> Images:
    """Return the images of these rows: a copy of an array, or the same file read through an index."""
    if not isinstance(images, RowFile):
        return images if len(rows) == len(images) else images[rows]
    chosen = images.chosen[rows] if isinstance(images, RowSelection) else rows
    return RowSelection(images.path, images.offset, (len(rows), *images.shape[1:]), chosen)


@dataclass(frozen=True)
class Division:
    """Rows of the published train split that each split has."""

    train: Rows
    val: Rows | None
    """None where val was published."""
    test: Rows | None
    """None where test was published."""
    notes: tuple[str, ...]
    """What a user must be told of it."""


def divide(published: Mapping[str, Labels], *, val_fraction: float, fraction: float, seed: int) -> Division:
    """Cut the splits that were not published from train, then keep `fraction` of what is left of it.

    Args:
        published: the labels of each split that was published, "train" among them.
        val_fraction: part of train that becomes val, if it was not published.
        fraction: part of train that is kept.
        seed: decides which rows.

    Raises:
        UsageError: a fraction is out of its range.
        DataError: train is too small to cut a split from.
    """
    _check_fractions(val_fraction, fraction)
    labels, notes = published["train"], list[str]()
    rows, val, test = np.arange(len(labels)), None, None
    if "test" not in published:
        rows, test = _cut(labels, rows, TEST_FRACTION, derive_seed(_TEST_SEED, "test"), "test", notes)
    if "val" not in published:
        rows, val = _cut(labels, rows, val_fraction, derive_seed(seed, "val"), "val", notes)
    if fraction < 1:
        rows = _keep(labels, rows, fraction, derive_seed(seed, "fraction"), notes)
    return Division(rows, val, test, tuple(notes))


def assemble(source: Source, *, val_fraction: float, fraction: float, seed: int) -> Dataset:
    """Make a data set of a source, divided as `divide` says, which raises what it says."""
    labels = {split: part.labels for split, part in source.parts.items()}
    cut = divide(labels, val_fraction=val_fraction, fraction=fraction, seed=seed)
    train = source.parts["train"]
    images = train.read()
    return Dataset(
        info=source.info,
        train=_picked("train", train, images, cut.train),
        val=_whole("val", source.parts["val"]) if cut.val is None else _picked("val", train, images, cut.val),
        read_test=_test_reader(source, cut.test),
        test_size=len(labels["test"] if cut.test is None else cut.test),
        files=source.files,
        images=source.images,
        notes=tuple(filter(None, [*source.notes, *cut.notes, source.info.test_note])),
        grey_range=source.grey_range,
        left_out=source.left_out,
    )


def _test_reader(source: Source, rows: Rows | None) -> Callable[[], Split]:
    if rows is None:
        return partial(_whole, "test", source.parts["test"])
    train = source.parts["train"]
    # Read again when it is asked for: what the closure does not hold, the training does not pay for.
    return lambda: _picked("test", train, train.read(), rows)


def _check_fractions(val_fraction: float, fraction: float) -> None:
    if not 0 < val_fraction < 1:
        raise UsageError(f"the validation fraction is {val_fraction:g}: it must lie between 0 and 1")
    if not 0 < fraction <= 1:
        raise UsageError(f"the fraction of train is {fraction:g}: it must be above 0 and at most 1")


def _cut(labels: Labels, rows: Rows, fraction: float, seed: int, name: str, notes: list[str]) -> tuple[Rows, Rows]:
    kept, taken = split_rows(labels[rows], fraction, seed)
    if not len(taken) or not len(kept):
        raise DataError(f"train has {len(rows)} images, too few to cut a {name} split from it; add more of each class")
    how = "at random" if labels.ndim > 1 else "stratified by class"
    which = ", the same for every seed" if name == "test" else ""
    notes.append(f"{name} is cut from train: {len(taken):,} of {len(rows):,} images, {how}{which}")
    return rows[kept], rows[taken]


def _keep(labels: Labels, rows: Rows, fraction: float, seed: int, notes: list[str]) -> Rows:
    """Drop the rest instead of picking a part: so every class keeps an image."""
    kept, _ = split_rows(labels[rows], 1 - fraction, seed)
    notes.append(f"only {len(kept):,} of {len(rows):,} train images are used, as asked (fraction {fraction:g})")
    return rows[kept]


def _whole(name: str, part: Part) -> Split:
    return Split(name, part.read(), part.labels)


def _picked(name: str, part: Part, images: Images, rows: Rows) -> Split:
    return Split(name, select_rows(images, rows), part.labels[rows], rows if len(rows) < len(part.labels) else None)
