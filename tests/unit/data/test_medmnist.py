from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.shared_data import shared_file
from xaitui.catalog.datasets import DATASETS
from xaitui.catalog.records import Task
from xaitui.data.dataset import DataFile
from xaitui.data.medmnist import official_source, own_source
from xaitui.data.row_file import RowFile
from xaitui.data.source import Residency, Source
from xaitui.errors import DataError, ExitCode

IN_MEMORY = Residency(1 << 30)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def own(folder: Path, **arrays: Any) -> Source:
    """Save arrays as one's own file and open it; train has 6 images of 3 classes unless it is given."""
    arrays = {"train_images": np.zeros((6, 4, 4), np.uint8), "train_labels": np.arange(6) % 3} | arrays
    path = folder / "own.npz"
    saved: dict[str, Any] = {name: array for name, array in arrays.items() if array is not None}
    np.savez(path, allow_pickle=True, **saved)
    return own_source(path, IN_MEMORY)


def read(source: Source, split: str = "train") -> np.ndarray[Any, Any]:
    images = source.parts[split].read()
    assert isinstance(images, np.ndarray)
    return images


@pytest.mark.parametrize("name", ["breastmnist", "pneumoniamnist"])
def test_an_official_file_is_read_as_its_publisher_reads_it(name: str) -> None:
    path, info = shared_file("medmnist", f"{name}.npz"), DATASETS[name]
    source = official_source(info, 28, DataFile(str(path), info.files[28][0].md5), IN_MEMORY)
    with np.load(path) as arrays:
        for split, part in source.parts.items():
            assert np.array_equal(read(source, split)[..., 0], arrays[f"{split}_images"])
            assert np.array_equal(part.labels, arrays[f"{split}_labels"][:, 0])
    assert tuple(len(part.labels) for part in source.parts.values()) == info.counts


def test_an_official_file_of_another_set_is_refused() -> None:
    path = shared_file("medmnist", "breastmnist.npz")
    with pytest.raises(DataError, match=r"is not pneumoniamnist at 28 px: it has \(546, 78, 156\) images"):
        official_source(DATASETS["pneumoniamnist"], 28, DataFile(str(path), ""), IN_MEMORY)
    with pytest.raises(DataError, match=r"is not breastmnist at 64 px.*\(28, 28, 1\), not .*\(64, 64, 1\)"):
        official_source(DATASETS["breastmnist"], 64, DataFile(str(path), ""), IN_MEMORY)


def test_a_bad_label_in_an_official_file_is_named_before_any_image_is_read(tmp_path: Path) -> None:
    info, path = DATASETS["breastmnist"], tmp_path / "breastmnist.npz"
    arrays: dict[str, Any] = {}
    for split, count in zip(("train", "val", "test"), info.counts, strict=True):
        arrays[f"{split}_images"] = np.zeros((count, 28, 28), np.uint8)
        arrays[f"{split}_labels"] = np.zeros((count, 1), np.uint8)
    arrays["test_labels"][7] = 2
    np.savez_compressed(path, allow_pickle=True, **arrays)
    with pytest.raises(DataError, match=r"test_labels in .*: label 2 at index 7 is outside 0-1"):
        official_source(info, 28, DataFile(str(path), ""), IN_MEMORY)


@pytest.mark.parametrize(
    ("labels", "task", "classes"),
    [
        (np.arange(6) % 2, Task.BINARY, 2),
        ((np.arange(6) % 2 > 0)[:, None], Task.BINARY, 2),
        (np.arange(6)[:, None] % 3, Task.MULTI_CLASS, 3),
        (np.array([[1, 1, 0], [0, 0, 0]] * 3, np.uint8), Task.MULTI_LABEL, 3),
    ],
)
def test_the_task_is_told_from_the_labels(tmp_path: Path, labels: Any, task: Task, classes: int) -> None:
    info = own(tmp_path, train_labels=labels).info
    assert (info.name, info.task, info.classes) == ("own", task, tuple("012"[:classes]))
    assert (info.channels, info.sizes, info.counts) == (1, (4,), (6, 0, 0))


@pytest.mark.parametrize(("shape", "channels"), [((6, 4, 4), 1), ((6, 4, 4, 1), 1), ((6, 4, 4, 3), 3)])
def test_images_get_a_channel_axis(tmp_path: Path, shape: tuple[int, ...], channels: int) -> None:
    images = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    source = own(tmp_path, train_images=images)
    assert source.info.channels == channels
    assert np.array_equal(read(source), images.reshape(6, 4, 4, channels))


def test_a_class_without_a_training_image_is_said(tmp_path: Path) -> None:
    source = own(tmp_path, train_labels=np.array([0, 1, 3, 5, 0, 1]))
    assert len(source.info.classes) == 6
    assert source.notes == ("train has no image of class 2, 4",)


def test_one_hot_labels_are_taken_as_multi_label_by_the_first_rules_and_said(tmp_path: Path) -> None:
    own(tmp_path, train_labels=np.eye(6, dtype=int))
    source = own_source(tmp_path / "own.npz", IN_MEMORY, rules=1)
    assert source.info.task is Task.MULTI_LABEL
    assert "save class indices" in source.notes[0]


def images(*shape: int, dtype: Any = np.uint8) -> Any:
    return np.zeros(shape, dtype)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"train_images": None}, "has no array train_images; it has train_labels"),
        ({"train_labels": None}, "has no array train_labels; it has train_images"),
        ({"val_images": images(2, 4, 4)}, "has no array val_labels"),
        ({"test_labels": np.zeros(2, int)}, "has no array test_images"),
        ({"train_images": images(6, 4, 4, dtype=np.float32)}, r"is float32: save uint8 .* \(x \* 255\)\.round\(\)"),
        ({"train_images": images(6, 4, 4, dtype=np.uint16)}, "is uint16: save uint8"),
        ({"train_images": np.array([None] * 6)}, "holds Python objects, which may run code"),
        ({"train_images": images(6, 16)}, r"has shape \(6, 16\): it must be \(N, S, S\)"),
        ({"train_images": images(6, 4, 4, 4)}, r"has shape \(6, 4, 4, 4\).*volumes are not supported yet"),
        ({"train_images": images(6, 4, 5)}, "images must be square"),
        ({"train_images": images(6, 0, 0)}, r"is empty: its shape is \(6, 0, 0\)"),
        ({"train_images": images(0, 4, 4), "train_labels": np.zeros(0, int)}, r"is empty: its shape is \(0, 4, 4\)"),
        (
            {"train_images": images(5, 4, 4)},
            r"train_images in .*own.npz has shape \(5, 4, 4\), train_labels has \(6,\): each",
        ),
        ({"train_labels": np.zeros((), int)}, r"train_labels has \(\): each image needs its label"),
        ({"train_labels": np.zeros(6, int)}, "has class 0 only: there is nothing to tell apart"),
        ({"train_labels": np.array([0, 1, 2, 0, 1, 10**9])}, "label 1000000000 at index 5 is outside 0-5"),
        ({"train_labels": np.array([0, 1, 2, 0, -1, 2])}, "train_labels in .*: label -1 at index 4 is outside"),
        ({"train_labels": np.arange(6) / 2}, "labels must be whole numbers"),
        ({"train_labels": np.zeros((6, 0), int)}, r"have shape \(6, 0\)"),
        ({"train_labels": np.zeros((6, 2, 2), int)}, r"have shape \(6, 2, 2\)"),
        ({"val_images": images(2, 4, 4), "val_labels": np.array([0, 3])}, "val_labels in .*: label 3 at index 1 is"),
        ({"test_images": images(1, 4, 4), "test_labels": np.array([7])}, "test_labels in .*: label 7 at index 0 is"),
        (
            {"test_images": images(1, 5, 5), "test_labels": np.array([0])},
            r"of shape \(5, 5, 1\), train_images of",
        ),
        ({"val_images": images(0, 4, 4), "val_labels": np.zeros(0, int)}, r"val_images in .* is empty"),
    ],
)
def test_what_is_not_in_the_form_is_named(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        own(tmp_path, **arrays)
    assert caught.value.exit_code == ExitCode.DATA
    assert "\n" not in str(caught.value)


def test_a_volume_file_is_refused_in_one_line() -> None:
    with pytest.raises(DataError, match=r"shape \(1188, 28, 28, 28\).*volumes are not supported yet"):
        own_source(shared_file("medmnist", "adrenalmnist3d.npz"), IN_MEMORY)


def test_a_split_above_the_limit_stays_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "own.npz"
    pixels = np.arange(6 * 4 * 4, dtype=np.uint8).reshape(6, 4, 4)
    np.savez_compressed(
        path, train_images=pixels, train_labels=np.arange(6) % 3, val_images=pixels[:1], val_labels=np.array([0])
    )
    source = own_source(path, Residency(limit=95, cache_dir=tmp_path / "arrays"))
    rows = source.parts["train"].read()
    assert isinstance(rows, RowFile)
    assert rows.path.is_relative_to(tmp_path / "arrays")
    assert rows.shape == (6, 4, 4, 1)
    out = np.empty((2, 4, 4, 1), np.uint8)
    rows.read(np.array([1, 5]), out)
    assert np.array_equal(out[..., 0], pixels[[1, 5]])
    assert read(source, "val").shape == (1, 4, 4, 1)
