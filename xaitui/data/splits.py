"""Cutting of missing validation and test splits from train."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.records import DatasetInfo, Task
from xaitui.catalog.splits import SPLITS
from xaitui.data.dataset import Dataset, Digests, Images, Split
from xaitui.data.labels import count_classes
from xaitui.data.row_file import RowFile
from xaitui.data.source import DATA_RULES, Part, Source
from xaitui.errors import DataError, UsageError
from xaitui.seeds import derive_seed
from xaitui.text import listed

Rows = NDArray[np.int64]
Labels = NDArray[np.int64]

TEST_FRACTION = 0.2
"""Fraction of train that becomes test if none was published."""
_TEST_SEED = 0
"""Fixed for all runs, so that scores of runs with different seeds are of the same test images."""


def split_rows(
    labels: NDArray[np.int64], fraction: float, seed: int, *, every_class: bool = False
) -> tuple[Rows, Rows]:
    """Divide the rows of `labels` at random into (kept, taken), stratified, both ascending.

    Each class gives its share of ``round(N * fraction)`` rows, by largest remainder, but never its last row. With
    `every_class` each class of two rows or more gives one at least, even where more rows are taken for it.
    Multi-label rows (N, L) are one stratum: their combinations are too many, and most too rare, to share out.

    numpy promises the same raw bits for a seed for ever, but not the same permutation; so the order is that of raw
    64-bit draws, and a split is the same on every machine and with every version.
    """
    strata = labels if labels.ndim == 1 else np.zeros(len(labels), np.int64)
    counts = np.bincount(strata)
    total = max(1, round(len(labels) * fraction))
    draws = np.random.PCG64(seed).random_raw(len(labels) + len(counts))
    shares = _shares(counts, total, np.arange(len(counts)))
    if every_class and not shares[counts > 1].all():
        shares = _shares_of_every_class(counts, total, draws[len(labels) :])
    order = np.argsort(draws[: len(labels)], kind="stable")
    grouped = order[np.argsort(strata[order], kind="stable")]
    stratum = strata[grouped]
    place = np.arange(len(grouped)) - (np.cumsum(counts) - counts)[stratum]
    taken = np.zeros(len(labels), np.bool_)
    taken[grouped[place < shares[stratum]]] = True
    return np.flatnonzero(~taken), np.flatnonzero(taken)


def _shares(counts: Rows, total: int, ranks: NDArray[np.integer[Any]]) -> Rows:
    """Share `total` out among strata of these sizes, in whole numbers, leaving at least one row in each.

    Of strata with equal remainders the one of the lower rank comes first.
    """
    rows = int(counts.sum())
    shares = np.minimum(counts * total // max(rows, 1), np.maximum(counts - 1, 0))
    missing = total - int(shares.sum())
    for stratum in np.lexsort((ranks, -(counts * total % max(rows, 1)))):
        if missing > 0 and shares[stratum] + 1 < counts[stratum]:
            shares[stratum] += 1
            missing -= 1
    return shares


def _shares_of_every_class(counts: Rows, total: int, ranks: NDArray[np.integer[Any]]) -> Rows:
    """Share as `_shares` does, with one row at least of each stratum that has two; `total` grows if it must."""
    able = counts > 1
    total = max(total, int(able.sum()))
    alone = np.zeros(len(counts), np.bool_)
    while True:  # raising one stratum to a row leaves less for the others, which may in turn fall below one row
        others, left = able & ~alone, total - int(alone.sum())
        small = others & (counts * left < counts[others].sum())
        if not small.any():
            break
        alone |= small
    shares = alone.astype(np.int64)
    shares[others] = _shares(counts[others], left, ranks[others])
    return shares


@dataclass(frozen=True, eq=False)
class RowSelection(RowFile):
    """Selected rows of a file, renumbered from 0."""

    whole: RowFile
    chosen: Rows

    def read(self, rows: Rows, out: NDArray[np.uint8]) -> None:
        """Read `rows` of the selection into `out`, as `RowFile.read` does."""
        super().read(self.chosen[rows], out)


def select_rows(images: Images, rows: Rows) -> Images:
    """Return the images of these rows: a copy of an array, or the same file read through an index."""
    if not isinstance(images, RowFile):
        return images if len(rows) == len(images) else images[rows]
    chosen = images.chosen[rows] if isinstance(images, RowSelection) else rows
    whole = images.whole if isinstance(images, RowSelection) else images
    return RowSelection(images.path, images.offset, (len(rows), *images.shape[1:]), whole, chosen)


@dataclass(frozen=True)
class Division:
    """Rows of the published train split that each split has."""

    train: Rows
    val: Rows | None
    """None where val was published."""
    test: Rows | None
    """None where test was published."""
    notes: tuple[str, ...]
    """Notes for the user."""


def divide(
    published: Mapping[str, Labels], *, val_fraction: float, fraction: float, seed: int, rules: int = DATA_RULES
) -> Division:
    """Cut the splits that were not published from train, then keep `fraction` of the rest.

    Args:
        published: the labels of each split that was published, "train" among them.
        val_fraction: part of train that becomes val, if it was not published.
        fraction: part of train that is kept.
        seed: decides which rows.
        rules: by the first version a split that is cut may lack classes of several images.

    Raises:
        UsageError: a fraction is out of its range.
        DataError: train is too small to cut a split from.
    """
    _check_fractions(val_fraction, fraction)
    labels, notes = published["train"], list[str]()
    rows, val, test = np.arange(len(labels)), None, None
    if "test" not in published:
        rows, test = _cut(labels, rows, TEST_FRACTION, derive_seed(_TEST_SEED, "test"), "test", notes, rules)
    if "val" not in published:
        rows, val = _cut(labels, rows, val_fraction, derive_seed(seed, "val"), "val", notes, rules)
    if fraction < 1:
        rows = _keep(labels, rows, fraction, derive_seed(seed, "fraction"), notes)
    return Division(rows, val, test, tuple(notes))


def assemble(source: Source, *, val_fraction: float, fraction: float, seed: int, rules: int = DATA_RULES) -> Dataset:
    """Make a dataset of a source, divided by `divide`, whose errors it raises."""
    labels = {split: part.labels for split, part in source.parts.items()}
    cut = divide(labels, val_fraction=val_fraction, fraction=fraction, seed=seed, rules=rules)
    train = source.parts["train"]
    divided = {"train": cut.train, "val": cut.val, "test": cut.test}
    labels |= {split: train.labels[rows] for split, rows in divided.items() if rows is not None}
    counts = {split: count_classes(labels[split], source.info) for split in SPLITS}
    lacking = _lacking(source.info, {split for split, rows in divided.items() if rows is not None}, counts)
    images = train.read()
    return Dataset(
        info=source.info,
        train=_picked("train", train, images, cut.train),
        val=_whole("val", source.parts["val"]) if cut.val is None else _picked("val", train, images, cut.val),
        read_test=_test_reader(source, cut.test),
        test_size=len(labels["test"]),
        files=source.files,
        images=source.images,
        notes=tuple(filter(None, [*source.notes, *cut.notes, *(lacking if rules > 1 else ()), source.info.test_note])),
        test_digests=_test_digests(source, cut.test),
        grey_range=source.grey_range,
        left_out=source.left_out,
        class_counts=counts,
    )


def _lacking(info: DatasetInfo, divided: Container[str], counts: Mapping[str, tuple[int, ...]]) -> Iterator[str]:
    """Yield notes on classes with too few images for each split that was cut."""
    lacking = dict[str, list[str]]()
    for split in ("val", "test"):
        of_class = zip(info.classes, counts["train"], counts[split], strict=True)
        names = listed(name for name, kept, taken in of_class if kept and not taken)
        if names and split in divided and info.task is not Task.MULTI_LABEL:
            lacking.setdefault(names, []).append(split)
    for names, splits in lacking.items():
        yield f"no image in {' and '.join(splits)} of {names}: the only one is in train"


def _test_reader(source: Source, rows: Rows | None) -> Callable[[], Split]:
    if rows is None:
        return partial(_whole, "test", source.parts["test"])
    train = source.parts["train"]
    # The source is read again on demand, so that the closure keeps no images in memory during training.
    return lambda: _picked("test", train, train.read(), rows)


def _test_digests(source: Source, rows: Rows | None) -> Callable[[], Digests] | None:
    digests = source.parts["test" if rows is None else "train"].digests
    return digests if digests is None or rows is None else lambda: digests()[rows]


def _check_fractions(val_fraction: float, fraction: float) -> None:
    if not 0 < val_fraction < 1:
        raise UsageError(f"the validation fraction is {val_fraction:g}: it must lie between 0 and 1")
    if not 0 < fraction <= 1:
        raise UsageError(f"the fraction of train is {fraction:g}: it must be above 0 and at most 1")


def _cut(
    labels: Labels, rows: Rows, fraction: float, seed: int, name: str, notes: list[str], rules: int
) -> tuple[Rows, Rows]:
    kept, taken = split_rows(labels[rows], fraction, seed, every_class=rules > 1)
    if not len(taken) or not len(kept):
        raise DataError(f"train has {len(rows)} images, too few to cut a {name} split from it; add more of each class")
    how = "at random" if labels.ndim > 1 else "stratified by class"
    which = ", the same for every seed" if name == "test" else ""
    share = max(1, round(len(rows) * fraction))
    more = f"; not {share:,}, so that each class has one" if len(taken) > share else ""
    notes.append(f"{name} is cut from train: {len(taken):,} of {len(rows):,} images, {how}{which}{more}")
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
