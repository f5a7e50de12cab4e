from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.shared_data import shared_file
from xaitui.data import dataset
from xaitui.data.array_cache import cached_rows
from xaitui.data.dataset import Images, Split
from xaitui.data.statistics import split_statistics


def train(images: Images) -> Split:
    return Split("train", images, np.zeros(len(images), np.int64))


def random_images(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_they_are_those_of_the_pixels(channels: int) -> None:
    images = (random_images(20, 9, 7, channels) // np.arange(1, channels + 1)).astype(np.uint8)
    mean, std = split_statistics(train(images))
    unit = images / 255
    np.testing.assert_allclose(mean, unit.mean(axis=(0, 1, 2)), rtol=1e-13)
    np.testing.assert_allclose(std, unit.std(axis=(0, 1, 2)), rtol=1e-13)


@given(st.integers(1, 2000))
def test_the_size_of_a_chunk_changes_no_bit(size: int) -> None:
    images = random_images(11, 5, 5, 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, "CHUNK_BYTES", size)
        assert split_statistics(train(images)) == split_statistics(train(images[::-1]))


def test_rows_on_disk_give_the_same(tmp_path: Path) -> None:
    source = shared_file("medmnist", "breastmnist.npz")
    with np.load(source) as arrays:
        images = arrays["train_images"][..., np.newaxis]
    rows = cached_rows(source, "train_images.npy", cache_dir=tmp_path)
    assert split_statistics(train(rows)) == split_statistics(train(images))


def test_a_channel_that_never_changes_can_be_divided_by() -> None:
    images = random_images(5, 4, 4, 3)
    images[..., 1] = 7
    mean, std = split_statistics(train(images))
    assert mean[1] == 7 / 255
    assert std[1] == 1.0


@pytest.mark.parametrize("name", ["val", "test"])
def test_other_splits_are_not_looked_at(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        split_statistics(Split(name, random_images(2, 4, 4, 1), np.zeros(2, np.int64)))
