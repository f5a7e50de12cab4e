from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.shared_data import shared_file
from xaitui.catalog.records import Task
from xaitui.data import preview as module
from xaitui.data.open import open_dataset
from xaitui.data.preview import preview
from xaitui.errors import DataError, UsageError


def test_the_embedded_digits_are_counted_and_shown() -> None:
    seen = preview("digits", per_class=3)
    assert (seen.size, seen.info.name) == (8, "digits")
    assert sum(seen.counts["train"]) == 1797
    assert [pictures.shape for pictures in seen.samples] == [(3, 8, 8, 1)] * 10


@pytest.mark.parametrize("name", ["mnist", "breastmnist"])
def test_counts_and_pictures_are_those_that_a_run_reads(name: str) -> None:
    folder = shared_file("mnist").parent
    seen = preview(name, data_dir=str(folder), per_class=4)
    dataset = open_dataset(name, data_dir=str(folder))
    test = dataset.read_test()
    assert seen.counts["test"] == tuple(np.bincount(test.labels).tolist())
    held = [dataset.train, dataset.val] if "val" not in seen.counts else [dataset.train]
    assert sum(seen.counts["train"]) == sum(map(len, held))
    every = {
        image.tobytes(): label
        for split in held
        for image, label in zip(np.asarray(split.images), split.labels, strict=True)
    }
    for label, pictures in enumerate(seen.samples):
        assert len(pictures) == 4
        assert {every[picture.tobytes()] for picture in pictures} == {label}


def test_unpacked_mnist_is_read_too(tmp_path: Path) -> None:
    packed = shared_file("mnist")
    for path in packed.iterdir():
        (tmp_path / path.name.removesuffix(".gz")).write_bytes(gzip.decompress(path.read_bytes()))
    plain, other = preview("mnist", data_dir=str(tmp_path)), preview("mnist", data_dir=str(packed.parent))
    assert all((a == b).all() for a, b in zip(plain.samples, other.samples, strict=True))


def test_only_the_beginning_of_a_packed_file_is_read(tmp_path: Path) -> None:
    """The end of the file is gone; the first pictures are still to be had."""
    for path in shared_file("mnist").iterdir():
        shutil.copy(path, tmp_path)
    images = tmp_path / "train-images-idx3-ubyte.gz"
    images.write_bytes(images.read_bytes()[:100_000])
    assert [len(pictures) for pictures in preview("mnist", data_dir=str(tmp_path)).samples] == [1] * 10
    images.write_bytes(images.read_bytes()[:500])
    with pytest.raises(DataError, match="cannot be read as idx file"):
        preview("mnist", data_dir=str(tmp_path))


def test_what_is_missing_is_told_with_the_command_that_fetches_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="xaitui data get pathmnist --size 64"):
        preview("pathmnist", size=64, data_dir=str(tmp_path))
    with pytest.raises(UsageError, match="does not come at 50 px"):
        preview("pathmnist", size=50)
    with pytest.raises(UsageError, match="unknown dataset"):
        preview("pathmnst")


def own_file(path: Path, labels: NDArray[np.int64]) -> Path:
    images = np.arange(len(labels) * 16, dtype=np.uint32).reshape(-1, 4, 4) % 251
    np.savez_compressed(path, train_images=images.astype(np.uint8), train_labels=labels)
    return path


def test_labels_of_a_multi_label_set_are_counted_each(tmp_path: Path) -> None:
    labels = np.array([[1, 1, 0], [0, 1, 0], [1, 1, 0]])
    seen = preview(str(own_file(tmp_path / "own.npz", labels)), per_class=2)
    assert seen.info.task is Task.MULTI_LABEL
    assert seen.counts == {"train": (2, 3, 0)}
    assert [len(pictures) for pictures in seen.samples] == [2, 2, 0]
    assert (seen.samples[0][0] == seen.samples[1][0]).all(), "an image with two labels stands under both"


def test_images_in_fortran_order_are_the_same_images(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (6, 4, 4, 3), dtype=np.uint8)
    path = tmp_path / "own.npz"
    np.savez(path, train_images=np.asfortranarray(images), train_labels=np.array([0, 1, 0, 1, 1, 0]))
    seen = preview(str(path), per_class=2)
    assert (seen.samples[1] == images[[1, 3]]).all()


def test_what_lies_far_back_in_a_large_file_is_not_searched_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST_READ", 2 * 16)
    seen = preview(str(own_file(tmp_path / "own.npz", np.array([0, 0, 1, 1]))), per_class=2)
    assert [len(pictures) for pictures in seen.samples] == [2, 0]
    assert seen.notes == ("not every picture of 1 is shown: they come late in a large file",)


def test_a_folder_is_shown_by_a_few_of_its_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    colours = {"cat": (255, 0, 0), "dog": (0, 0, 255)}
    for name, colour in colours.items():
        (tmp_path / "train" / name).mkdir(parents=True)
        for index in range(5):
            Image.new("RGB", (20, 12), colour).save(tmp_path / "train" / name / f"{index}.png")
    monkeypatch.setattr(module, "PROBED", 4)
    seen = preview(str(tmp_path), image_size=8, per_class=2)
    assert (seen.info.classes, seen.info.channels, seen.size) == (("cat", "dog"), 3, 8)
    assert seen.counts == {"train": (5, 5)}
    assert [pictures[:, 0, 0].tolist() for pictures in seen.samples] == [[list(c)] * 2 for c in colours.values()]
    assert seen.notes == ("size and colours are told from 4 of the 10 pictures",)


def test_no_picture_is_read_where_none_is_wanted(tmp_path: Path) -> None:
    path = own_file(tmp_path / "own.npz", np.array([0, 1]))
    assert [pictures.shape for pictures in preview(str(path), per_class=0).samples] == [(0, 4, 4, 1)] * 2
