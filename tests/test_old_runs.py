"""Runs and a study that version 0.1.0 made are read, verified and continued as if this version had made them."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.run_commands import assert_equal_weights
from xaitui.cli.app import run
from xaitui.runs.directory import RunDirectory, list_runs

DATA = Path(__file__).parent / "data"
SHOWN: dict[str, Any] = json.loads((DATA / "runs_0.1.0.json").read_text())
"""By name: what `runs show --json` printed of the runs, and on what they were computed."""
HOST = "elsewhere"
"""The name of the machine in the data; with it this machine is that one, and has been started again since."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with tarfile.open(DATA / "runs_0.1.0.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    monkeypatch.setattr("socket.gethostname", lambda: HOST)
    monkeypatch.setenv("XAITUI_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


@pytest.fixture(scope="module")
def computes_alike() -> bool:
    """Whether a convolution, its gradients and a product give the same bits here as where the runs were made."""
    draw = torch.Generator().manual_seed(0)
    images, kernels = torch.rand(32, 16, 8, 8, generator=draw), torch.rand(32, 16, 3, 3, generator=draw)
    kernels.requires_grad = True
    maps = torch.nn.functional.conv2d(images, kernels, padding=1)
    loss = (maps.flatten(1) @ torch.rand(2048, 10, generator=draw)).log_softmax(1)[:, 0].mean()
    (slopes,) = torch.autograd.grad(loss, kernels)
    bits = hashlib.sha256(maps.detach().numpy().tobytes() + slopes.numpy().tobytes()).hexdigest()[:16]
    computed: str = SHOWN["computed"]
    return f"{torch.__version__} {torch.backends.cpu.get_cpu_capability()} {bits}" == computed


def test_they_are_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", "ls"]) == 0
    _, *rows = capsys.readouterr().out.splitlines()
    assert [row.split()[:2] for row in rows] == [["interrupted", "2/30"], ["finished", "2/2"]]


def test_a_run_is_shown_as_it_was(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in list_runs(folder):
        assert run(["runs", "show", path.id, "--json"]) == 0
        shown = json.loads(capsys.readouterr().out)
        assert shown == {**SHOWN[shown["name"]], "path": str(path.path)}


def test_the_finished_one_is_verified(folder: Path, capsys: pytest.CaptureFixture[str], computes_alike: bool) -> None:
    assert run(["verify", "finished", "--steps", "0"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "intact"
    code = run(["verify", "finished"])
    verdict = capsys.readouterr().out.splitlines()[-1]
    assert (code, verdict) in [(0, "equal"), *([] if computes_alike else [(1, "different")])]


def test_the_interrupted_one_is_resumed_to_the_weights_of_one_never_interrupted(
    folder: Path, tmp_path: Path, computes_alike: bool
) -> None:
    assert run(["resume", "interrupted", "--headless"]) == 0
    resumed = _named(folder, "interrupted")
    if computes_alike:
        config = str(resumed.path / "config.toml")
        assert run(["train", "--headless", "--config", config, "--runs-dir", str(tmp_path / "new")]) == 0
        assert_equal_weights(resumed, list_runs(tmp_path / "new")[0])


def test_the_study_is_continued(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sweep", "resume", "study"]) == 0
    capsys.readouterr()
    assert run(["sweep", "status", "study", "--json"]) == 0
    study = json.loads(capsys.readouterr().out)
    assert study["complete"]
    assert [trial["state"] for trial in study["trials"]] == ["finished", "finished"]
    assert all(trial["test"] for trial in study["trials"])


def _named(folder: Path, name: str) -> RunDirectory:
    (found,) = (each for each in list_runs(folder) if f"-{name}-" in each.id)
    return found
