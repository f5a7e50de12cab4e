from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.shared_data import shared_file
from xaitui.catalog.datasets import DATASETS
from xaitui.data.dataset import Dataset, Split
from xaitui.data.open import open_dataset
from xaitui.data.row_file import RowFile
from xaitui.errors import DataError, ExitCode, UsageError


@pytest.fixture(autouse=True)
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / ".cache"))
    monkeypatch.delenv("XAITUI_DATA_DIR", raising=False)
    monkeypatch.chdir(home)


def pixels(split: Split) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    assert isinstance(split.images, np.ndarray)
    assert split.images.dtype == np.uint8
    assert split.images.flags.c_contiguous
    assert split.labels.dtype == np.int64
    assert len(split.images) == len(split)
    return split.images


def sizes(data: Dataset) -> list[int]:
    return [len(pixels(data.train)), len(pixels(data.val)), len(pixels(data.read_test()))]


def test_digits_need_no_file() -> None:
    data = open_dataset("digits")
    assert sizes(data) == [1294, 144, 359]
    assert data.test_size == 359
    assert data.files == ()
    assert data.notes == (
        "test is cut from train: 359 of 1,797 images, stratified by class, the same for every seed",
        "val is cut from train: 144 of 1,438 images, stratified by class",
    )


def test_the_same_seed_gives_the_same_splits_and_another_one_does_not() -> None:
    first, again, other = (open_dataset("digits", seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(pixels(first.val), pixels(again.val))
    assert not np.array_equal(pixels(first.val), pixels(other.val))
    assert np.array_equal(pixels(first.read_test()), pixels(other.read_test()))


@pytest.mark.parametrize("parent", [False, True])
def test_real_mnist_has_val_cut_and_test_as_published(parent: bool) -> None:
    folder = shared_file("mnist")
    data = open_dataset("mnist", data_dir=str(folder.parent if parent else folder))
    assert sizes(data) == [54_000, 6_000, 10_000]
    assert pixels(data.train).shape[1:] == (28, 28, 1)
    assert data.notes == ("val is cut from train: 6,000 of 60,000 images, stratified by class",)
    both = np.bincount(data.train.labels) + np.bincount(data.val.labels)
    assert np.abs(np.bincount(data.val.labels) - both / 10).max() < 1
    assert [file.md5 for file in data.files] == [remote.md5 for remote in DATASETS["mnist"].files[28]]


def test_a_fraction_of_real_mnist_thins_train_alone() -> None:
    data = open_dataset("mnist", data_dir=str(shared_file("mnist")), fraction=0.1)
    assert sizes(data) == [5_400, 6_000, 10_000]
    assert "only 5,400 of 54,000 train images are used" in data.notes[-1]


def test_unpacked_mnist_as_torchvision_leaves_it_is_read(tmp_path: Path) -> None:
    raw = tmp_path / "MNIST/raw"
    raw.mkdir(parents=True)
    for remote in DATASETS["mnist"].files[28]:
        content = gzip.decompress(shared_file("mnist", remote.name).read_bytes())
        (raw / remote.name.removesuffix(".gz")).write_bytes(content)
    data = open_dataset("mnist", data_dir=str(tmp_path))
    packed = open_dataset("mnist", data_dir=str(shared_file("mnist")))
    assert np.array_equal(pixels(data.train), pixels(packed.train))


@pytest.mark.parametrize("name", ["breastmnist", "pneumoniamnist"])
def test_real_medmnist_keeps_its_official_splits(name: str) -> None:
    data = open_dataset(name, data_dir=str(shared_file("medmnist").parent))
    assert tuple(sizes(data)) == data.info.counts
    assert data.notes == ()
    (file,) = data.files
    assert file.md5 == data.info.files[28][0].md5


def test_real_pathmnist_cut_opens_as_own_file_with_splits_cut() -> None:
    path = shared_file("subsets", "pathmnist_train_first1000.npz")
    data = open_dataset(str(path))
    assert (data.info.name, len(data.info.classes), data.info.channels) == ("pathmnist_train_first1000", 9, 3)
    assert sizes(data) == [720, 80, 200]
    assert [note.split(":")[0] for note in data.notes] == ["test is cut from train", "val is cut from train"]
    assert data.files[0].path == str(path.resolve())


def test_rows_on_disk_are_cut_like_arrays(tmp_path: Path) -> None:
    path = str(shared_file("subsets", "pathmnist_train_first1000.npz"))
    resident = open_dataset(path, fraction=0.5)
    told: list[tuple[int, int]] = []
    data = open_dataset(
        path,
        fraction=0.5,
        resident_limit=1 << 20,
        cache_dir=tmp_path,
        report=lambda done, total: told.append((done, total)),
    )
    assert told[-1] == (1000 * 28 * 28 * 3,) * 2
    for split, expected in (
        (data.train, resident.train),
        (data.val, resident.val),
        (data.read_test(), resident.read_test()),
    ):
        assert isinstance(split.images, RowFile)
        out = np.empty(split.images.shape, np.uint8)
        split.images.read(np.arange(len(split)), out)
        assert np.array_equal(out, pixels(expected))


def test_a_folder_of_pictures_is_opened_by_its_path(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(10):
            Image.new("L", (6, 6), number).save(tmp_path / "set" / name / f"{number}.png")
    data = open_dataset(str(tmp_path / "set"), image_size=3)
    assert sizes(data) == [14, 2, 4]
    assert pixels(data.train).shape == (14, 3, 3, 1)
    assert [note.partition(":")[0] for note in data.notes] == [
        "pictures became 3x3 grey",
        "test is cut from train",
        "val is cut from train",
    ]


@pytest.mark.parametrize(
    ("dataset", "size", "message"),
    [
        ("mnits", 0, "unknown dataset 'mnits'; did you mean 'mnist'"),
        ("organmnist3d", 0, "3D datasets are not supported"),
        ("mnist", 64, "mnist does not come at 64 px, only at 28 px"),
        ("pathmnist", 96, "pathmnist does not come at 96 px, only at 28, 64, 128, 224 px"),
        ("x" * 5000, 0, "unknown dataset"),
    ],
)
def test_a_wrong_name_or_size_is_a_usage_error(dataset: str, size: int, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        open_dataset(dataset, size=size)
    assert caught.value.exit_code == ExitCode.USAGE


def test_an_own_file_has_one_size() -> None:
    with pytest.raises(UsageError, match="pathmnist_train_first1000 does not come at 64 px, only at 28 px"):
        open_dataset(str(shared_file("subsets", "pathmnist_train_first1000.npz")), size=64)


def test_a_missing_file_names_the_command_that_gets_it() -> None:
    with pytest.raises(DataError, match=r"`xaitui data get pathmnist --size 224`"):
        open_dataset("pathmnist", size=224)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent.npz", r"absent\.npz cannot be read as \.npz archive: No such file"),
        ("./absent", "absent is neither an .npz file nor a folder of pictures"),
        ("./home.txt", "is neither an .npz file nor a folder of pictures"),
    ],
)
def test_a_path_that_leads_nowhere_is_named(name: str, message: str) -> None:
    Path("home.txt").write_text("text")
    with pytest.raises(DataError, match=message):
        open_dataset(name)


def test_a_truncated_official_file_says_how_to_fetch_it_again(tmp_path: Path) -> None:
    path = tmp_path / "breastmnist.npz"
    shutil.copy(shared_file("medmnist", "breastmnist.npz"), path)
    with path.open("r+b") as file:
        file.truncate(300_000)
    with pytest.raises(
        DataError, match=r"damaged.*move them away and run `xaitui data get breastmnist --size 28 --data-dir"
    ):
        open_dataset("breastmnist", data_dir=str(tmp_path))


def test_opening_loads_no_heavy_package() -> None:
    script = (
        "import sys; from xaitui.data.open import open_dataset; open_dataset('digits');"
        "print(sorted({'torch', 'medmnist', 'pandas', 'sklearn', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3]
    )
    assert done.stdout.strip() == "[]"
