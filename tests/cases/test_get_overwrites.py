"""Files of one's own that have the names of published ones: they stay, and can be trained on."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.cases.inputs import arrays, class_folders
from xaitui.cli.app import run
from xaitui.config.schema import DataConfig
from xaitui.data.dataset import Dataset
from xaitui.data.open import open_dataset
from xaitui.data.preview import preview
from xaitui.errors import DataError, ExitCode
from xaitui.tui.datasets.download import Transfer
from xaitui.tui.datasets.preview import fetch

Array = NDArray[np.uint8]


@pytest.fixture(autouse=True)
def _own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XAITUI_DATA_DIR", raising=False)
    monkeypatch.chdir(tmp_path)


def write_pair(folder: Path, images: str, labels: str, x: Array, y: Array) -> None:
    """Write an idx file of images and one of labels, packed where the name says so."""
    folder.mkdir(exist_ok=True)
    for name, magic, array in ((images, 0x803, x), (labels, 0x801, y)):
        content = struct.pack(f">I{array.ndim}I", magic, *array.shape) + array.tobytes()
        (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)


def write_split(folder: Path, split: str, x: Array, y: Array, *, ending: str = ".gz", dash: str = "-") -> None:
    write_pair(folder, f"{split}-images{dash}idx3-ubyte{ending}", f"{split}-labels{dash}idx1-ubyte{ending}", x, y)


def own_mnist(folder: Path) -> Path:
    """Files of one's own under the names of MNIST's four."""
    for split in ("train", "t10k"):
        write_split(folder, split, *arrays(30, 10, 28))
    return folder


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[str]]:
    capsys.readouterr()
    code = run(list(words))
    out, err = capsys.readouterr()
    return code, (out + err).splitlines()


def test_own_files_under_published_names_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own, other = own_mnist(tmp_path / "own"), own_mnist(tmp_path / "other")
    before = {path.name: path.read_bytes() for path in own.iterdir()}
    code, lines = told(capsys, "train", "--headless", "--dataset=mnist", f"--data-dir={own}")
    assert code == ExitCode.DATA
    assert "move them away and run `xaitui data get mnist" in lines[-1]
    assert "own data: --dataset FILE.npz or FOLDER" in lines[-1]
    for words in (["get", "mnist"], ["get", "mnist", f"--from={other}"]):
        code, lines = told(capsys, "data", *words, f"--data-dir={own}")
        assert code == ExitCode.DATA
        assert "train-images-idx3-ubyte.gz is not the published file" in lines[-1]
        assert lines[-1].endswith("is not replaced: move it away, or replace it with --force")
    code, lines = told(capsys, "data", "verify", "mnist", f"--data-dir={own}")
    assert (code, [line.split()[0] for line in lines[:4]]) == (ExitCode.DATA, ["damaged"] * 4)
    assert lines[-1].count("move them away") == 1
    code, lines = told(capsys, "data", "rm", "mnist", "--yes", f"--data-dir={own}")
    assert code == ExitCode.DATA
    assert [line for line in lines if "stays: it is not the published file; --force removes it" in line]
    assert {path.name: path.read_bytes() for path in own.iterdir()} == before
    code, _ = told(capsys, "data", "rm", "mnist", "--yes", "--force", f"--data-dir={own}")
    assert (code, list(own.iterdir())) == (0, [])


def test_the_console_leaves_own_files_too(tmp_path: Path) -> None:
    own = own_mnist(tmp_path / "own")
    before = {path.name: path.read_bytes() for path in own.iterdir()}
    with pytest.raises(DataError, match="is not replaced: move it away, or replace it with --force"):
        fetch(DataConfig(dataset="mnist", data_dir=str(own)), Transfer())
    assert {path.name: path.read_bytes() for path in own.iterdir()} == before


def test_a_run_trains_on_own_idx_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = own_mnist(tmp_path / "own")
    code, lines = told(
        capsys, "train", "--headless", "--threads=1", "--epochs=1", f"--dataset={own}", "--runs-dir=runs"
    )
    assert code == 0
    text = "\n".join(lines)
    assert "20 train, 10 val, 30 test images" in text
    assert "idx files: train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz," in text.replace("\n       ", " ")


def opened(folder: Path) -> Dataset:
    return open_dataset(str(folder))


@pytest.mark.parametrize(
    ("prefix", "splits", "ending", "dash"),
    [
        ("", ("train", "valid", "test"), "", "."),
        ("", ("train", "val", "t10k"), ".gz", "-"),
        ("emnist-letters-", ("train", "validation", "test"), ".gz", "-"),
    ],
)
def test_the_names_of_mnists_relatives_are_known(
    tmp_path: Path, prefix: str, splits: tuple[str, str, str], ending: str, dash: str
) -> None:
    made = [arrays(count, 4, 12) for count in (40, 8, 12)]
    for split, (x, y) in zip(splits, made, strict=True):
        write_split(tmp_path / "set", prefix + split, x, y + 1, ending=ending, dash=dash)
    data = opened(tmp_path / "set")
    assert data.info.classes == ("1", "2", "3", "4")
    assert "labels count from 1: the classes keep these names" in data.notes
    for split, (x, y) in zip(("train", "val", "test"), made, strict=True):
        found = data.split(split)
        assert np.array_equal(found.labels, y)
        assert np.array_equal(found.read(np.arange(len(x)))[..., 0], x)
    assert len(data.files) == 6
    seen = preview(str(tmp_path / "set"))
    assert (seen.size, seen.counts["val"]) == (12, (2, 2, 2, 2))
    assert np.array_equal(seen.samples[2][0, ..., 0], made[0][0][2])


def test_a_packed_file_beside_its_unpacked_copy_is_one_file(tmp_path: Path) -> None:
    x, y = arrays(40, 2, 12)
    for ending in ("", ".gz"):
        write_split(tmp_path / "raw", "train", x, y, ending=ending)
    (tmp_path / "raw" / "t10k-images-idx3-ubyte").mkdir()
    assert len(opened(tmp_path / "raw").files) == 2


def test_subfolders_of_images_come_before_idx_files(tmp_path: Path) -> None:
    class_folders(tmp_path / "set", "ab", 20)
    write_split(tmp_path / "set", "train", *arrays(20))
    assert opened(tmp_path / "set").info.classes == ("a", "b")


def test_what_is_wrong_with_idx_files_is_named(tmp_path: Path) -> None:
    x, y = arrays(30)
    refusals = {
        "no train": ("test", x, y, "has no file of train-images-idx3-ubyte, packed with gzip or not"),
        "one too few": ("train", x, y[:-1], "are 29, for 30 images"),
        "not square": ("train", x[:, :8], y, "30 images of 8x16 px: there must be some, and they must be square"),
        "one class": ("train", x, y * 0, "has class 0 only: there is nothing to tell apart"),
    }
    for name, (split, images, labels, message) in refusals.items():
        write_split(tmp_path / name, split, images, labels)
        with pytest.raises(DataError, match=message):
            opened(tmp_path / name)
    for letters in ("emnist-letters-train", "emnist-digits-train"):
        write_split(tmp_path / "two", letters, x, y)
    with pytest.raises(DataError, match="any of which may be the train images: keep each set in a folder of its own"):
        opened(tmp_path / "two")
    (tmp_path / "one class" / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match="has no file of train-labels-idx1-ubyte"):
        opened(tmp_path / "one class")
