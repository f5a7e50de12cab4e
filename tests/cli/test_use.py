"""A trained model is asked about pictures, exported and loaded; each way says what the run's evaluation said."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import xaitui
from tests.run_commands import made_set
from xaitui.cli.app import run as run_command
from xaitui.errors import DataError, UsageError
from xaitui.jobs.export.formats import FORMATS, KEY
from xaitui.jobs.predict.notebook import LoadedRun
from xaitui.runs.directory import RunDirectory
from xaitui.runs.find import find_run
from xaitui.runs.predictions import read_predictions, write_predictions

OWN_MODEL = """
import torch

class Branching(torch.nn.Module):
    def __init__(self, classes, channels, side):
        super().__init__()
        self.layer = torch.nn.Linear(channels * side * side, classes)

    def forward(self, images):
        flat = images.flatten(1)
        return self.layer(flat) if float(flat.sum()) > 0 else self.layer(flat * 2)

def build(classes, channels, side):
    return Branching(classes, channels, side)
"""


def train(runs_dir: Path, *words: str) -> RunDirectory:
    line = ["train", "--headless", "--epochs", "1", *words, "--runs-dir", str(runs_dir)]
    assert run_command(line) == 0
    return find_run("last", runs_dir)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a real run, of little."""
    runs_dir = tmp_path_factory.mktemp("trained") / "runs"
    train(runs_dir, "--dataset", "digits", "--fraction", "0.2")
    return runs_dir


@pytest.fixture(scope="module")
def loaded(trained: Path) -> LoadedRun:
    return xaitui.load("last", runs_dir=trained)


def images_of_test(loaded: LoadedRun) -> NDArray[np.uint8]:
    split = loaded.trained.split("test")
    return split.read(np.arange(len(split)))


def stored(run: RunDirectory) -> NDArray[np.float32]:
    return read_predictions(run.predictions / "test.npz").probabilities


def predict(runs_dir: Path, *words: object) -> int:
    return run_command(["predict", "last", *map(str, words), "--runs-dir", str(runs_dir)])


def test_a_loaded_run_gives_the_stored_probabilities(loaded: LoadedRun) -> None:
    images, expected = images_of_test(loaded), stored(loaded.trained.run)
    assert np.abs(loaded.predict(images) - expected).max() < 1e-5
    by_hand = torch.softmax(loaded.model(loaded.preprocess(images[3])), dim=1)
    assert np.abs(by_hand.cpu().numpy()[0] - expected[3]).max() < 1e-5
    assert loaded.classes == tuple("0123456789")
    agreement = loaded.compare_stored()
    assert (agreement.split, agreement.images, agreement.holds) == ("test", len(images), True)


def test_every_kind_of_image_is_the_same_image(loaded: LoadedRun, tmp_path: Path) -> None:
    pixels = images_of_test(loaded)[0]
    grey = Image.fromarray(pixels[:, :, 0])
    grey.save(tmp_path / "digit.png")
    tensor = torch.from_numpy(pixels).permute(2, 0, 1)
    kinds = [pixels, pixels[:, :, 0], grey, grey.convert("RGB"), tensor, tensor[0], tmp_path / "digit.png"]
    answers = loaded.predict([*kinds, str(tmp_path / "digit.png")])
    assert answers.shape == (8, 10)
    assert (answers == answers[0]).all()
    assert loaded.predict(np.stack([pixels[:, :, 0]] * 9)).shape == (9, 10)
    assert loaded.preprocess(grey).shape == (1, 1, 8, 8)


def test_what_is_no_image_of_bytes_is_refused(loaded: LoadedRun, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="uint8 from 0 to 255, not float64"):
        loaded.preprocess(np.zeros((8, 8)))
    with pytest.raises(UsageError, match="neither"):
        loaded.preprocess(np.zeros((8, 8, 7), np.uint8))
    with pytest.raises(DataError, match="No such file"):
        loaded.predict(tmp_path / "none.png")


def test_pictures_of_test_images_are_predicted_as_they_were(
    trained: Path, loaded: LoadedRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected, paths = stored(loaded.trained.run), []
    for index, pixels in enumerate(images_of_test(loaded)[:70]):  # more than a batch
        paths.append(tmp_path / f"{index:02}.png")
        Image.fromarray(pixels[:, :, 0]).save(paths[-1])
    assert predict(trained, *paths, "--json", "--top", "10") == 0
    output = capsys.readouterr()
    records = [json.loads(line) for line in output.out.splitlines()]
    assert [record["image"] for record in records] == list(map(str, paths))
    for record, row in zip(records, expected, strict=False):
        given = {each["index"]: each["probability"] for each in record["top"]}
        assert record["top"][0]["index"] == row.argmax()
        assert max(abs(given[k] - row[k]) for k in range(10)) < 1e-5
    for words in ("alpha laid over white", "made grey", "scaled to 8 px", "minus 0.5"):
        assert words in " ".join(output.err.split())
    assert all(len(line) <= 79 for line in output.err.splitlines() if str(trained) not in line)


def test_a_pattern_is_expanded_and_the_best_class_shown(
    trained: Path, loaded: LoadedRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(images_of_test(loaded)[0][:, :, 0]).resize((60, 40)).convert("RGB").save(tmp_path / "a.jpg")
    assert predict(trained, tmp_path / "*.jpg", "--top", "1") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{tmp_path / 'a.jpg'}  colour 60x40, its middle 40x40"
    assert len(lines) == 2
    assert " %  " in lines[1]


def test_an_unreadable_picture_stops_no_other(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, empty, broken = tmp_path / "good.png", tmp_path / "empty.png", tmp_path / "broken\x1b[2J.png"
    Image.new("LA", (9, 7), (0, 255)).save(good)
    empty.write_bytes(b"")
    broken.write_bytes(good.read_bytes()[:40])
    assert predict(trained, empty, broken, tmp_path / "none.png", good) == 3
    output = capsys.readouterr()
    errors = [line for line in output.err.splitlines() if line.startswith("xaitui: ")]
    assert len(errors) == 3
    assert "\x1b" not in output.err
    assert output.out.startswith(f"{good}  grey 9x7")


def test_light_and_dark_are_told_and_exchanged(
    trained: Path, loaded: LoadedRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pixels, path = images_of_test(loaded)[0][:, :, 0], tmp_path / "ink.png"
    Image.fromarray(255 - pixels).save(path)
    assert predict(trained, path) == 0
    assert "looks inverted" in capsys.readouterr().err
    assert predict(trained, path, "--invert", "--json") == 0
    output = capsys.readouterr()
    assert "looks inverted" not in output.err
    best = stored(loaded.trained.run)[0]
    assert abs(json.loads(output.out)["top"][0]["probability"] - best.max()) < 1e-5


def test_where_it_looked_is_a_picture_in_the_run(
    trained: Path, loaded: LoadedRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / folder / "digit.png" for folder in ("one", "two")]
    for path, pixels in zip(paths, images_of_test(loaded), strict=False):
        path.parent.mkdir()
        Image.fromarray(pixels[:, :, 0]).save(path)
    assert predict(trained, *paths, "--explain", "--json") == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    maps = {Path(record["map"]) for record in records if "problem" not in record}
    assert len(maps) == 2  # of one name, but not of one content
    for path in maps:
        assert path.parent == loaded.trained.run.explanations / "predict"
        assert Image.open(path).height > 200
    assert predict(trained, paths[0], "--explain") == 0
    assert f"  map: {loaded.trained.run.explanations / 'predict'}" in capsys.readouterr().out


@pytest.mark.parametrize("word", ["folder", "*.nothing"])
def test_a_word_that_means_no_picture(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], word: str
) -> None:
    (tmp_path / "folder").mkdir()
    assert predict(trained, tmp_path / word) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "there is no image in" in message or "no file matches" in message


def from_safetensors(folder: Path, loaded: LoadedRun) -> Callable[[NDArray[np.uint8]], NDArray[Any]]:
    from safetensors import safe_open

    with safe_open(folder / "model.safetensors", "pt") as file:
        assert json.loads(file.metadata()[KEY])["classes"] == list("0123456789")
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 -- it is no dictionary
    loaded.model.load_state_dict(state)
    return loaded.predict


def from_onnx(folder: Path, loaded: LoadedRun) -> Callable[[NDArray[np.uint8]], NDArray[Any]]:
    import onnxruntime

    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    assert json.loads(session.get_modelmeta().custom_metadata_map[KEY])["mean"] == [0.5]
    return lambda images: np.asarray(session.run(None, {"images": images.transpose(0, 3, 1, 2)})[0])


def from_torch_export(folder: Path, loaded: LoadedRun) -> Callable[[NDArray[np.uint8]], NDArray[Any]]:
    module = torch.export.load(folder / "model.pt2").module()
    return lambda images: np.asarray(module(torch.from_numpy(images.transpose(0, 3, 1, 2))))


READERS = {"safetensors": from_safetensors, "onnx": from_onnx, "torch-export": from_torch_export}


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_exported_gives_the_stored_probabilities(
    trained: Path, loaded: LoadedRun, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert READERS.keys() == FORMATS.keys()
    folder = loaded.trained.run.path / "exports" / name
    (folder / ".export.killed").mkdir(parents=True)
    (folder / ".export.killed" / FORMATS[name].file).write_bytes(b"half")
    assert run_command(["export", "last", "--to", name, "--runs-dir", str(trained)]) == 0
    output = capsys.readouterr()
    assert "test images: within" in output.out
    assert output.err == ""
    record = json.loads((folder / KEY).read_text())
    assert record["classes"] == list("0123456789")
    assert record["checked"]["from_stored"] <= 1e-5
    assert {each.name for each in folder.iterdir()} == {FORMATS[name].file, KEY}
    answer, images = READERS[name](folder, loaded), images_of_test(loaded)
    expected = stored(loaded.trained.run)
    assert np.abs(answer(images) - expected).max() < 1e-5
    assert np.abs(answer(images[:1]) - expected[:1]).max() < 1e-5


def test_an_export_that_says_something_else_is_not_kept(
    tmp_path: Path, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train(runs_dir, "--dataset", str(made_set(tmp_path / "made.npz", side=28)))
    given = read_predictions(run.predictions / "test.npz")
    write_predictions(run.predictions / "test.npz", given.probabilities + np.float32(1e-3), given.labels)
    capsys.readouterr()
    out = tmp_path / "out"
    assert run_command(["export", "last", "--to", "safetensors", "--out", str(out), "--runs-dir", str(runs_dir)]) == 1
    assert "gives other probabilities" in capsys.readouterr().err
    assert list(out.iterdir()) == []


def test_without_the_data_the_model_itself_is_compared_with(
    tmp_path: Path, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = made_set(tmp_path / "made.npz", side=40, channels=3)
    train(runs_dir, "--dataset", str(data), "--image-size", "28")
    data.unlink()
    capsys.readouterr()
    assert run_command(["export", "last", "--to", "onnx", "--runs-dir", str(runs_dir)]) == 0
    assert "64 images of noise: within" in capsys.readouterr().out


def test_a_model_that_cannot_be_followed(tmp_path: Path, runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.py").write_text(OWN_MODEL)
    data = made_set(tmp_path / "made.npz")
    train(runs_dir, "--dataset", str(data), "--model", f"{tmp_path / 'own.py'}:build")
    capsys.readouterr()
    words = ["export", "last", "--runs-dir", str(runs_dir), "--to"]
    assert run_command([*words, "safetensors"]) == 2
    assert "--trust-model" in capsys.readouterr().err
    for name in ("onnx", "torch-export"):
        assert run_command([*words, name, "--trust-model"]) == 2
        message = capsys.readouterr().err
        assert message.count("\n") == 1
        assert f"cannot be exported to {name}: Could not guard on data-dependent expression" in message
        assert "x1b" not in message
        assert "; --to safetensors keeps the weights of any model" in message
    assert run_command([*words, "safetensors", "--trust-model"]) == 0


@pytest.mark.parametrize(("model", "size"), [("resnet18", "32")])
def test_larger_models_are_exported(
    tmp_path: Path, runs_dir: Path, capsys: pytest.CaptureFixture[str], model: str, size: str
) -> None:
    data = made_set(tmp_path / "made.npz", images=16, side=32, channels=3)
    train(runs_dir, "--dataset", str(data), "--model", model, "--image-size", size, "--batch-size", "8")
    for name in ("onnx", "torch-export"):
        assert run_command(["export", "last", "--to", name, "--runs-dir", str(runs_dir)]) == 0
        assert "14 test images: within" in capsys.readouterr().out


def test_bad_words(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["export", "last", "--to", "onyx", "--runs-dir", str(trained)]) == 2
    assert "did you mean 'onnx'?" in capsys.readouterr().err
    (tmp_path / "file").touch()
    line = ["export", "last", "--to", "safetensors", "--out", str(tmp_path / "file" / "x"), "--runs-dir", str(trained)]
    assert run_command(line) == 2
    assert capsys.readouterr().err.startswith("xaitui: cannot write to")


@pytest.mark.parametrize("name", ["onnx", "onnxscript", "onnxruntime"])
def test_a_library_of_onnx_that_is_missing(
    name: str, trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    assert run_command(["export", "last", "--to", "onnx", "--runs-dir", str(trained)]) == 2
    assert capsys.readouterr().err == f"xaitui: --to onnx needs {name}: pip install 'xaitui[onnx]'\n"


@pytest.mark.parametrize("line", ["train --headless", "train --dry-run --probe", "models show"])
def test_timm_that_is_missing(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    monkeypatch.chdir(tmp_path)
    model = ["timm:resnet18"] if line == "models show" else ["--model", "timm:resnet18", "--image-size", "32"]
    assert run_command([*line.split(), *model]) == 2
    assert capsys.readouterr().err.endswith("xaitui: timm:resnet18 needs timm: pip install 'xaitui[timm]'\n")
    assert not (tmp_path / "runs").exists()


def test_a_run_without_a_checkpoint(runs_dir: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run = train(runs_dir, "--dataset", "digits", "--fraction", "0.1")
    for path in (run.best, run.last):
        path.unlink(missing_ok=True)
    capsys.readouterr()
    for words in (["export", "last", "--to", "onnx"], ["predict", "last", str(tmp_path / "a.png")]):
        assert run_command([*words, "--runs-dir", str(runs_dir)]) == 3
        message = capsys.readouterr().err
        assert "no checkpoint" in message
        assert message.count("\n") == 1
