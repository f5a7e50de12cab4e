"""Images of more than 8 bits whose grey levels fill a small part of the range: CT and mammograms in 16-bit PNG."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import xaitui
from tests.cases.inputs import save
from xaitui.cli.app import run as command
from xaitui.data.open import open_dataset
from xaitui.data.picture import decode
from xaitui.errors import DataError
from xaitui.jobs import prepare
from xaitui.runs.directory import RunDirectory
from xaitui.runs.find import find_run
from xaitui.runs.predictions import read_predictions
from xaitui.training import resolve

DRAW = np.random.default_rng(0)
IMAGES = 6
SPLITS = ("train", "val", "test")


def deep(has_lesion: bool) -> NDArray[np.uint16]:
    image = 1000 + DRAW.integers(0, 8, (16, 16))
    image[4:12, 4:12] += 40 * has_lesion
    image[0, :2] = 1000, 1047  # every image has the whole range
    return image.astype(np.uint16)


def narrow_set(folder: Path) -> Path:
    """Levels 1000 to 1047 in train, 900 to 1200 in test."""
    for split in SPLITS:
        for name in ("lesion", "normal"):
            for number in range(IMAGES):
                image = deep(name == "lesion")
                if split == "test":
                    image[15, :2] = 900, 1200
                save(folder / split / name / f"{number}.png", image)
    return folder


def train(folder: Path, runs_dir: Path, *words: str) -> RunDirectory:
    line = ["train", "--headless", "--epochs", "4", "--threads", "1", "--dataset", str(folder), *words]
    assert command([*line, "--runs-dir", str(runs_dir)]) == 0
    return find_run("last", runs_dir)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    home = tmp_path_factory.mktemp("narrow")
    return train(narrow_set(home / "set"), home / "runs")


def files_of_test(run: RunDirectory) -> list[Path]:
    return sorted((run.path.parent.parent / "set" / "test").rglob("*.png"))


def stored(run: RunDirectory) -> NDArray[np.float32]:
    return read_predictions(run.predictions / "test.npz").probabilities


def notes(run: RunDirectory) -> str:
    return "\n".join(json.loads(run.environment.read_text())["notes"])


def test_the_range_of_train_is_used_and_kept(trained: RunDirectory) -> None:
    assert "16-bit images: grey levels 1000 to 1047 of train become 0 to 255" in notes(trained)
    assert json.loads(trained.preprocessing.read_text())["grey_range"] == [1000.0, 1047.0]
    labels = read_predictions(trained.predictions / "test.npz").labels
    assert (stored(trained).argmax(axis=1) == labels).all()


def test_predict_load_and_export_use_it(trained: RunDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    files = files_of_test(trained)
    words = ["predict", "last", "--json", *map(str, files), "--runs-dir", str(trained.path.parent)]
    assert command(words) == 0
    output = capsys.readouterr()
    assert "grey levels 1000 to" in output.err
    told = [
        {each["index"]: each["probability"] for each in json.loads(text)["top"]} for text in output.out.splitlines()
    ]
    assert np.abs(np.array([[each[0], each[1]] for each in told]) - stored(trained)).max() < 1e-5
    loaded = xaitui.load("last", runs_dir=trained.path.parent)
    assert np.abs(loaded.predict(files) - stored(trained)).max() < 1e-5
    assert command(["export", "last", "--to", "safetensors", "--runs-dir", str(trained.path.parent)]) == 0
    beside = json.loads((trained.path / "exports" / "safetensors" / "preprocessing.json").read_text())
    assert beside["grey_range"] == [1000.0, 1047.0]
    assert "grey levels 1000 to 1047 made 0 to 255" in beside["input"]["meaning"]


def test_a_resumed_run_keeps_the_range(trained: RunDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["resume", "last", "--epochs", "+1", "--headless", "--runs-dir", str(trained.path.parent)]) == 0
    assert "not exactly" not in capsys.readouterr().err
    assert command(["evaluate", "last", "--weights-check", "--runs-dir", str(trained.path.parent)]) == 0


def test_an_8_bit_image_is_told_from_those_of_the_run(
    trained: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / "x.png", np.zeros((16, 16), np.uint8))
    assert command(["predict", "last", str(tmp_path / "x.png"), "--runs-dir", str(trained.path.parent)]) == 0
    assert "x.png has 8 bits" in " ".join(capsys.readouterr().err.split())


def test_a_run_of_before_divides_by_257_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = narrow_set(tmp_path / "set")
    with monkeypatch.context() as before:
        before.setattr(prepare, "DATA_RULES", 1)
        before.setattr(resolve, "DATA_RULES", 1)
        run = train(folder, tmp_path / "runs")
    kept = json.loads(run.preprocessing.read_text())
    assert kept.pop("grey_range") is None
    run.preprocessing.write_text(json.dumps(kept))
    run.config.write_text(run.config.read_text().replace("data_rules = 1\n", ""))
    assert command(["resume", "last", "--epochs", "+1", "--headless", "--runs-dir", str(tmp_path / "runs")]) == 0
    assert "16-bit grey divided by 257" in capsys.readouterr().out
    loaded = xaitui.load("last", runs_dir=tmp_path / "runs")
    assert np.abs(loaded.predict(files_of_test(run)) - stored(run)).max() < 1e-5
    assert np.unique(loaded.trained.split("train").read(np.arange(4))).tolist() == [4]


def opened(folder: Path, **options: Any) -> Any:
    return open_dataset(str(folder), **options)


def test_of_a_set_without_splits_only_the_rows_of_train_count(tmp_path: Path) -> None:
    for number in range(20):
        for name in ("a", "b"):
            save(tmp_path / "set" / name / f"{number}.png", np.full((8, 8), 1000 + number, np.uint16))
    for seed in range(3):
        data = opened(tmp_path / "set", seed=seed, fraction=0.3)
        levels = data.train.read(np.arange(len(data.train)))
        assert (levels.min(), levels.max()) == (0, 255)
        low, high = data.grey_range
        assert 1000 <= low < high <= 1019
        again = opened(tmp_path / "set", seed=seed, fraction=0.3, grey_range=(0.0, 65_535.0))
        assert np.unique(again.train.read(np.arange(len(data.train)))).tolist() == [4]


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_32_bit_and_floating_point_images(kind: type[np.generic], tmp_path: Path) -> None:
    for number, value in enumerate((-5, 0, 100_000, 5)):
        image = np.full((8, 8), value).astype(kind)
        save(tmp_path / "set" / "ab"[number % 2] / f"{number}.tif", image)
        for split in ("val", "test"):
            save(tmp_path / "set" / split / "ab"[number % 2] / f"{number}.tif", image + image)
    (tmp_path / "set" / "train").mkdir()
    for name in ("a", "b"):
        (tmp_path / "set" / name).rename(tmp_path / "set" / "train" / name)
    data = opened(tmp_path / "set")
    assert data.grey_range == (-5.0, 100_000.0)
    assert data.train.read(np.arange(4))[:, 0, 0, 0].tolist() == [0, 255, 0, 0]
    assert data.read_test().read(np.arange(4))[:, 0, 0, 0].tolist() == [0, 255, 0, 0]
    if kind is np.float32:
        save(tmp_path / "set" / "train" / "a" / "nan.tif", np.full((8, 8), np.nan, np.float32))
        with pytest.raises(DataError, match=r"1 of 13 .*train/a/nan\.tif \(its pixels are not all finite numbers\)"):
            opened(tmp_path / "set")


def test_a_mixed_set_divides_by_257_and_says_so(tmp_path: Path) -> None:
    for number in range(20):
        image = np.full((8, 8), 200, np.uint8)
        save(tmp_path / "set" / "ab"[number % 2] / f"{number}.png", image.astype(np.uint16) * 257 if number else image)
    data = opened(tmp_path / "set")
    assert data.grey_range is None
    assert (data.train.read(np.arange(len(data.train))) == 200).all()
    assert "19 of 20 images have 16 bits and are divided by 257, the others have 8" in data.notes


def test_8_bit_images_give_the_arrays_that_they_always_gave(tmp_path: Path) -> None:
    levels = np.arange(400).reshape(20, 20)
    for number in range(12):
        path = tmp_path / "set" / "ab"[number % 2] / f"{number:02d}.bmp"
        save(path, (levels * (number + 3) * 7 % 256).astype(np.uint8))
    opened(tmp_path / "set", cache_dir=tmp_path / "cache")
    [array] = (tmp_path / "cache").glob("set.train.*.npy")
    assert sha256(array.read_bytes()).hexdigest()[:16] == "038fa95620f2786e"


def test_a_range_to_the_last_level_is_division_by_257(tmp_path: Path) -> None:
    save(tmp_path / "all.png", np.arange(65_536, dtype=np.uint16).reshape(256, 256))
    divided = decode(tmp_path / "all.png", 256, 1)
    assert np.array_equal(divided, decode(tmp_path / "all.png", 256, 1, (0.0, 65_535.0)))
    assert np.array_equal(divided.ravel(), (np.arange(65_536) + 128) // 257)
