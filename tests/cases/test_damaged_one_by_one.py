"""Damaged images of a folder: all are named in one refusal, or left out when that is asked for."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cases.inputs import bar, class_folders
from xaitui.cli.app import run as command
from xaitui.data.open import open_dataset
from xaitui.data.picture import decode
from xaitui.errors import DataError
from xaitui.runs.dataset import open_data
from xaitui.runs.find import find_run


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(bar(0, 64)).convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten images a class, and in mel three more: two cut off, one without a header."""
    root = class_folders(tmp_path / "set", ["mel", "nev"], 10)
    for number, length in ((2, 0.5), (5, 0.6), (9, 0.0)):
        content = jpeg()
        (root / "mel" / f"bad{number}.jpg").write_bytes(content[: int(length * len(content))])
    return root


def train(folder: Path, runs_dir: Path, *words: str) -> int:
    line = ["train", "--headless", "--epochs", "1", "--threads", "1", "--dataset", str(folder), *words]
    return command([*line, "--runs-dir", str(runs_dir)])


def test_all_are_named_at_once(folder: Path, runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):  # found, and remembered
        assert train(folder, runs_dir) == 3
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert f"xaitui: 3 of 23 images in {folder} cannot be used: mel/bad" in said
        for number in (2, 5, 9):
            assert f"mel/bad{number}.jpg (" in said
        assert said.endswith("; remove them, or leave them out with --skip-damaged\n")
    assert not runs_dir.exists()


def test_ten_are_named_and_the_others_counted(tmp_path: Path) -> None:
    class_folders(tmp_path / "set", ["a", "b"], 10)
    for number in range(12):
        (tmp_path / "set" / "a" / f"x{number:02d}.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"12 of 32 .*x00\.png .*x09\.png \([^)]*\) and 2 more; remove them") as caught:
        open_dataset(str(tmp_path / "set"))
    assert "x10" not in str(caught.value)


def test_they_are_left_out_where_that_is_asked_for(
    folder: Path, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(folder, runs_dir, "--skip-damaged") == 0
    note = "3 of 23 images are damaged and left out: mel/bad2.jpg, mel/bad5.jpg, mel/bad9.jpg"
    assert note in " ".join(capsys.readouterr().out.split())
    run = find_run("last", runs_dir)
    assert "skip_damaged = true" in run.config.read_text()
    left_out = json.loads(run.environment.read_text())["left_out"]
    assert [line.partition(": ")[0] for line in left_out] == [f"mel/bad{number}.jpg" for number in (2, 5, 9)]
    data = open_data(run)
    assert data.info.channels == 1  # though those are in colour
    assert (len(data.train), len(data.val), data.test_size) == (14, 2, 4)
    files = sorted(folder.rglob("*.png"))
    assert data.train.rows is not None
    for image, label, row in zip(data.train.read(np.arange(14)), data.train.labels, data.train.rows, strict=True):
        assert np.array_equal(image, decode(files[row], 16, 1))
        assert label == (files[row].parent.name == "nev")
    assert command(["resume", "last", "--epochs", "+1", "--headless", "--runs-dir", str(runs_dir)]) == 0
    assert command(["verify", "last", "--runs-dir", str(runs_dir)]) == 0


def test_a_repaired_image_is_used_again(folder: Path) -> None:
    broken = folder / "mel" / "bad9.jpg"
    with pytest.raises(DataError, match="3 of 23"):
        open_dataset(str(folder))
    broken.write_bytes(jpeg())
    with pytest.raises(DataError, match="2 of 23"):
        open_dataset(str(folder))
    data = open_dataset(str(folder), skip_damaged=True)
    assert sum((len(data.train), len(data.val), data.test_size)) == 21


def test_a_class_of_damaged_images_is_refused(tmp_path: Path) -> None:
    class_folders(tmp_path / "set", ["a", "b"], 10)
    for path in (tmp_path / "set" / "a").iterdir():
        path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(DataError, match="every image of a is damaged"):
        open_dataset(str(tmp_path / "set"), skip_damaged=True)
