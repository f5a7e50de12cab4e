"""Bad input: one line that says what and what to do, the documented exit code, nothing made, nothing changed."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.runs_for_tests import made_set
from xaitui.cli.app import run

Case = tuple[list[str], int, str]

CASES: dict[str, Case] = {
    "misspelt command": (["trian"], 2, "train"),
    "misspelt option": (["train", "--epoch", "3"], 2, "--epochs"),
    "misspelt dataset": (["--dataset", "pathmnst"], 2, "pathmnist"),
    "misspelt model": (["--model", "resnet81"], 2, "resnet18"),
    "misspelt optimizer": (["--optimizer", "adm"], 2, "adam"),
    "misspelt preset": (["--preset", "report-minst"], 2, "report-mnist"),
    "misspelt metric": (["--monitor", "acuracy"], 2, "accuracy"),
    "rate below its range": (["--lr", "-1"], 2, "above 0"),
    "negative batch": (["--batch-size", "-1"], 2, "from 0 to 65536"),
    "no number": (["--epochs", "many"], 2, "whole number"),
    "infinite rate": (["--lr", "inf"], 2, "number"),
    "setting of another kind": (["--optimizer", "adam", "--momentum", "0.5"], 2, "does not apply to adam"),
    "name that climbs": (["--name", "../up"], 2, "cannot name a folder"),
    "name with escapes": (["--name", "a\x1b[31mb"], 2, "control characters"),
    "no such device": (["--device", "cuda:99"], 2, "--device"),
    "no device": (["--device", "gpu"], 2, "no device"),
    "duration": (["--max-time", "soon"], 2, "7h50m"),
    "missing data": (["--dataset", "pathmnist"], 3, "xaitui data get pathmnist"),
    "size that a set lacks": (["--dataset", "pathmnist", "--size", "99"], 2, "28"),
    "volumes": (["--dataset", "organmnist3d"], 2, "3D"),
    "missing npz": (["--dataset", "nothing.npz"], 3, "nothing.npz"),
    "missing folder": (["--dataset", "nothing/"], 3, "nothing"),
    "missing file of settings": (["--config", "nothing.toml"], 2, "nothing.toml"),
    "no TOML": (["--config", "broken.toml"], 2, "no TOML"),
    "misspelt key": (["--config", "misspelt.toml"], 2, "batch_size"),
    "newer schema": (["--config", "newer.toml"], 2, "update xaitui"),
    "small images for alexnet": (["--model", "alexnet"], 2, "--image-size"),
    "mirrored digits": (["--hflip"], 2, "hflip does not suit digits"),
    "colour for grey": (["--stain-jitter", "0.2"], 2, "3 channels"),
    "model file that is missing": (["--model", "nothing.py:build"], 2, "nothing.py"),
    "model file that fails": (["--model", "fails.py:build"], 2, "fails.py"),
    "model function that is missing": (["--model", "model.py:bild"], 2, "build"),
    "weights that are missing": (
        ["--model", "xception", "--image-size", "32", "--weights", "nothing.pth"],
        3,
        "nothing",
    ),
    "weights that are a web page": (["--model", "resnet18", "--weights", "page.pth"], 3, "page.pth"),
    "weights with code": (["--model", "resnet18", "--weights", "code.pth"], 3, "code.pth"),
    "weights of another model": (["--model", "resnet18", "--weights", "other.pth"], 3, "other.pth"),
    "text for data": (["--dataset", "text.npz"], 3, "text.npz"),
    "truncated data": (["--dataset", "short.npz"], 3, "short.npz"),
    "objects in data": (["--dataset", "objects.npz"], 3, "objects.npz"),
    "labels outside the classes": (["--dataset", "labels.npz"], 3, "labels.npz"),
    "images and labels that do not match": (["--dataset", "count.npz"], 3, "count.npz"),
    "no images": (["--dataset", "empty.npz"], 3, "empty.npz"),
    "images without pixels": (["--dataset", "pixels.npz"], 3, "pixels.npz"),
    "half precision on the processor": (["--precision", "float16", "--device", "cpu"], 2, "bfloat16"),
    "unknown variable": (["VARIABLE"], 2, "XAITUI_BATCHSIZE"),
    "no run": (["resume", "nothing"], 2, "no runs"),
    "nothing to show": (["runs", "show", "last"], 2, "no runs"),
    "nothing to stop": (["stop"], 2, "no runs"),
    "set to fetch": (["data", "get", "pathmnst"], 2, "pathmnist"),
}


class _Code:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (print, ("executed",))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    good = made_set(tmp_path / "good.npz")
    (tmp_path / "broken.toml").write_text("[training\n")
    (tmp_path / "misspelt.toml").write_text("[training]\nbatchsize = 3\n")
    (tmp_path / "newer.toml").write_text("schema = 2\n")
    (tmp_path / "fails.py").write_text("def build(a, b, c):\n    raise ValueError('no')\n")
    (tmp_path / "model.py").write_text("def build(a, b, c):\n    return None\n")
    (tmp_path / "page.pth").write_text("<html>down for maintenance</html>")
    (tmp_path / "code.pth").write_bytes(pickle.dumps(_Code()))
    torch.save({"conv.weight": torch.zeros(1, 1, 3, 3)}, tmp_path / "other.pth")
    (tmp_path / "text.npz").write_text("these are words")
    (tmp_path / "short.npz").write_bytes(good.read_bytes()[:-400])
    with np.load(good) as arrays:
        rows = dict(arrays)
    bad = {
        "objects": {"train_images": np.array([_Code()], dtype=object)},
        "labels": {"val_labels": rows["val_labels"] + 7},
        "count": {"train_labels": rows["train_labels"][:-1]},
        "empty": {"train_images": rows["train_images"][:0], "train_labels": rows["train_labels"][:0]},
        "pixels": {"train_images": rows["train_images"][:, :0, :0]},
    }
    for name, change in bad.items():
        np.savez(tmp_path / f"{name}.npz", **{**rows, **change})
    return tmp_path


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_one_line(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words, code, says = CASES[name]
    if words == ["VARIABLE"]:
        monkeypatch.setenv("XAITUI_BATCHSIZE", "3")
        words = []
    if not words or words[0].startswith("--"):
        words = ["train", "--headless", "--epochs", "1", "--threads", "1", *words]
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert run(words) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(r"xaitui: [^\n]+\n", captured.err), captured.err
    assert says in captured.err
    assert "\x1b" not in captured.err
    assert "executed" not in captured.err
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert not (folder / "runs").exists()


def test_all_cases_are_there() -> None:
    assert len(CASES) == 49


def test_a_traceback_is_shown_when_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--headless", "--dataset", "nothing.npz", "--traceback"]) == 3
    assert "Traceback" in capsys.readouterr().err
