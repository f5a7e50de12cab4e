from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from xaitui.catalog.records import DatasetInfo, Task
from xaitui.data.dataset import Images
from xaitui.data.row_file import RowFile
from xaitui.data.source import Part, Source
from xaitui.data.splits import assemble, select_rows, split_rows
from xaitui.errors import DataError, UsageError

INFO = DatasetInfo("own", "own", Task.MULTI_CLASS, ("a", "b", "c"), 1, (2,), (90, 0, 0), "")


def part(labels: NDArray[np.int64], reads: list[str] | None = None, name: str = "") -> Part:
    """A split whose images hold their own row number."""

    def read() -> Images:
        if reads is not None:
            reads.append(name)
        rows = np.arange(len(labels), dtype=np.uint8)
        return np.broadcast_to(rows[:, None, None, None], (len(labels), 2, 2, 1)).copy()

    return Part(labels, read)


def pixels(images: Images) -> list[int]:
    if isinstance(images, RowFile):
        out = np.empty(images.shape, np.uint8)
        images.read(np.arange(len(images)), out)
        images = out
    values: list[int] = images[:, 0, 0, 0].tolist()
    return values


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=60),
    st.floats(0.01, 0.99),
    st.integers(0, 2**63 - 1),
)
def test_split_rows_divides_all_rows_in_proportion(labels: list[int], fraction: float, seed: int) -> None:
    array = np.array(labels)
    kept, taken = split_rows(array, fraction, seed)
    assert sorted([*kept, *taken]) == list(range(len(array)))
    assert (np.diff(kept) > 0).all()
    assert (np.diff(taken) > 0).all()
    total = max(1, round(len(array) * fraction))
    for label, count in zip(*np.unique(array, return_counts=True), strict=True):
        share = int((array[taken] == label).sum())
        assert share < count
        assert share == count - 1 or abs(share - count * total / len(array)) <= 1


def test_split_rows_takes_exactly_the_share_where_every_class_is_common() -> None:
    labels = np.repeat([0, 1, 2], [500, 300, 201])
    _, taken = split_rows(labels, 0.1, seed=7)
    assert np.bincount(labels[taken]).tolist() == [50, 30, 20]


def test_a_split_is_the_same_on_every_machine_and_numpy() -> None:
    labels = np.arange(1000) % 7
    _, taken = split_rows(labels, 0.1, seed=3)
    assert hashlib.md5(taken.astype("<i8").tobytes()).hexdigest() == "53f89175f0fbf658071781c6213b8b91"
    assert taken.tolist() != split_rows(labels, 0.1, seed=4)[1].tolist()


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.floats(0.01, 0.4), st.integers(0, 2**63 - 1))
def test_every_class_of_two_is_in_the_part_and_nothing_else_changes(
    labels: list[int], fraction: float, seed: int
) -> None:
    array = np.array(labels)
    counts = np.bincount(array)
    _, before = split_rows(array, fraction, seed)
    _, taken = split_rows(array, fraction, seed, every_class=True)
    shares = np.bincount(array[taken], minlength=len(counts))
    assert ((shares > 0) == (counts > 1)).all()
    assert (shares < np.maximum(counts, 1)).all()
    assert len(taken) <= max(1, round(len(array) * fraction), (counts > 1).sum())
    if set(array[before]) == set(np.flatnonzero(counts > 1)):
        assert np.array_equal(taken, before)


def test_no_class_comes_first_where_images_are_few() -> None:
    labels = np.repeat(np.arange(6), [1, 3, 3, 3, 3, 30])  # 6 images for the 5 classes of 2 or more
    shares = [np.bincount(labels[split_rows(labels, 0.15, seed, every_class=True)[1]]) for seed in range(40)]
    assert {tuple(each) for each in shares} == {(0, 1, 1, 1, 1, 2)}
    labels = np.repeat(np.arange(5), [2, 7, 7, 7, 7])  # 7 images for 5 classes
    more = {tuple(np.bincount(labels[split_rows(labels, 0.24, seed, every_class=True)[1]])) for seed in range(40)}
    assert len(more) == 6  # any two of the four


def test_multi_label_rows_are_split_at_random() -> None:
    kept, taken = split_rows(np.eye(20, dtype=np.int64), 0.25, seed=0)
    assert (len(kept), len(taken)) == (15, 5)


def test_missing_splits_are_cut_from_train_and_said() -> None:
    labels = np.repeat([0, 1, 2], [40, 30, 20])
    data = assemble(Source(INFO, {"train": part(labels)}), val_fraction=0.25, fraction=1.0, seed=5)
    test = data.read_test()
    assert [len(data.train), len(data.val), len(test), data.test_size] == [54, 18, 18, 18]
    assert np.bincount(test.labels).tolist() == [8, 6, 4]
    assert np.bincount(data.val.labels).tolist() == [8, 6, 4]
    rows = pixels(data.train.images) + pixels(data.val.images) + pixels(test.images)
    assert sorted(rows) == list(range(90))
    for split in (data.train, data.val, test):
        assert labels[pixels(split.images)].tolist() == split.labels.tolist()
    assert data.notes == (
        "test is cut from train: 18 of 90 images, stratified by class, the same for every seed",
        "val is cut from train: 18 of 72 images, stratified by class",
    )


def test_the_test_split_is_the_same_for_every_seed_and_val_is_not() -> None:
    source = Source(INFO, {"train": part(np.arange(90) % 3)})
    first, second = (assemble(source, val_fraction=0.1, fraction=1.0, seed=seed) for seed in (0, 1))
    assert pixels(first.read_test().images) == pixels(second.read_test().images)
    assert pixels(first.val.images) != pixels(second.val.images)


def test_a_test_split_of_another_origin_is_said() -> None:
    source = Source(replace(INFO, test_note="test: elsewhere"), {"train": part(np.arange(90) % 3)})
    assert assemble(source, val_fraction=0.1, fraction=1.0, seed=0).notes[-1] == "test: elsewhere"


def test_a_fraction_thins_train_alone_and_keeps_each_class() -> None:
    labels = np.repeat([0, 1, 2], [60, 29, 1])
    parts = {name: part(labels) for name in ("train", "val", "test")}
    data = assemble(Source(INFO, parts), val_fraction=0.1, fraction=0.1, seed=0)
    assert np.bincount(data.train.labels).tolist() == [6, 2, 1]
    assert [len(data.val), len(data.read_test())] == [90, 90]
    assert data.notes == ("only 9 of 90 train images are used, as asked (fraction 0.1)",)


def test_the_test_images_are_read_only_when_asked_for() -> None:
    reads: list[str] = []
    labels = np.arange(30) % 3
    parts = {name: part(labels, reads, name) for name in ("train", "val", "test")}
    data = assemble(Source(INFO, parts), val_fraction=0.1, fraction=1.0, seed=0)
    assert sorted(reads) == ["train", "val"]
    data.read_test()
    assert reads[-1] == "test"


def test_rows_of_a_file_are_selected_through_an_index(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b"head" + bytes(range(10)) * 1)
    file = RowFile(path, 4, (10, 1, 1, 1))
    chosen = select_rows(select_rows(file, np.array([1, 3, 5, 7])), np.array([0, 2, 3]))
    assert isinstance(chosen, RowFile)
    assert (len(chosen), chosen.nbytes, pixels(chosen)) == (3, 3, [1, 5, 7])


@pytest.mark.parametrize(("val_fraction", "fraction"), [(0.0, 1.0), (1.0, 1.0), (0.1, 0.0), (0.1, 1.5)])
def test_a_fraction_out_of_range_names_the_range(val_fraction: float, fraction: float) -> None:
    source = Source(INFO, {"train": part(np.arange(30) % 3)})
    with pytest.raises(UsageError, match="it must"):
        assemble(source, val_fraction=val_fraction, fraction=fraction, seed=0)


def test_a_train_split_of_single_images_cannot_be_cut() -> None:
    with pytest.raises(DataError, match="train has 3 images, too few to cut a test split"):
        assemble(Source(INFO, {"train": part(np.arange(3))}), val_fraction=0.1, fraction=1.0, seed=0)
