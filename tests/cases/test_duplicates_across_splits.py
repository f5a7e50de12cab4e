"""Images that are in two splits are counted in a note."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.cases.inputs import arrays, class_folders
from xaitui.cli.app import run as command
from xaitui.data import dataset as data_module
from xaitui.data import duplicates
from xaitui.data.duplicates import note_about_test, note_at_start
from xaitui.data.open import open_dataset


def trained_notes(dataset: Path, runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> str:
    line = ["train", "--headless", "--epochs", "1", "--threads", "1", "--dataset", str(dataset)]
    assert command([*line, "--runs-dir", str(runs_dir)]) == 0
    return " ".join(capsys.readouterr().out.split())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """All of test, and two images of val, are copies of train."""
    root = tmp_path / "set"
    for split in ("train", "val"):
        class_folders(root / split, "ab", 10)
    shutil.copytree(root / "train", root / "test")
    for name in "ab":
        shutil.copy(root / "train" / name / "003.png", root / "val" / name / "001.png")
    return root


def test_of_a_folder_before_training(folder: Path, runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = trained_notes(folder, runs_dir, capsys)
    note = "note 2 of 20 val images are also in train; 20 of 20 test images are also in train; 2 of 20 test images are "
    assert note + "also in val" in said
    assert said.index(note) < said.index("epoch 1/1")
    assert said.count("are also in") == 3


def test_of_a_file_once_test_is_read(tmp_path: Path, runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images, labels = arrays(60)
    named: dict[str, NDArray[np.uint8]] = {}
    for split, rows in (("train", slice(0, 40)), ("val", slice(39, 50)), ("test", slice(30, 60))):
        named |= {f"{split}_images": images[rows], f"{split}_labels": labels[rows]}
    np.savez(tmp_path / "own.npz", **named)  # type: ignore[arg-type]
    said = trained_notes(tmp_path / "own.npz", runs_dir, capsys)
    first, later = (
        "1 of 11 val images are also in train",
        "10 of 30 test images are also in train; 11 of 30 test images",
    )
    assert said.index(first) < said.index("epoch 1/1") < said.index(f"{later} are also in val")
    assert said.count("note 10 of 30") == 1


def test_of_splits_that_are_cut_from_train(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "set", "ab", 10)
    for name in "ab":
        for number in range(10):
            shutil.copy(root / name / f"{number:03d}.png", root / name / f"copy{number:03d}.png")
    data = open_dataset(str(root))
    files = sorted(root.rglob("*.png"))
    held = {}
    for split in (data.train, data.read_test()):
        assert split.rows is not None
        held[split.name] = [files[row].read_bytes() for row in split.rows]
    shared = sum(content in held["train"] for content in held["test"])
    assert f"{shared} of 8 test images are also in train" in note_at_start(data)
    assert note_about_test(data, data.read_test()) == ""


def test_none_is_not_told(tmp_path: Path) -> None:
    data = open_dataset(str(class_folders(tmp_path / "set", "ab", 10)))
    assert note_at_start(data) == ""


def test_digests_of_images_on_disk_are_kept(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_module, "CHUNK_BYTES", 1000)
    on_disk = open_dataset(str(folder), resident_limit=0, cache_dir=tmp_path / "cache")
    told = note_at_start(on_disk)
    assert "20 of 20 test images are also in train" in told
    monkeypatch.setattr(duplicates, "_computed", lambda images: pytest.fail("hashed again"))
    assert note_at_start(on_disk) == told
