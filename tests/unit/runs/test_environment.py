from __future__ import annotations

import json
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from xaitui.runs.environment import changed_versions, installed, own_commit, write_environment

AUTHOR = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *AUTHOR, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model's file in a folder of a repository."""
    folder = tmp_path / "repository" / "models"
    folder.mkdir(parents=True)
    (folder / "net.py").write_text("def build(): ...\n")
    git(folder, "init", "-q", "..")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "A model")
    return folder / "net.py"


def test_an_own_model_has_the_commit_of_its_folder(model: Path) -> None:
    head = git(model.parent, "rev-parse", "HEAD")
    (model.parent / "runs").mkdir()
    (model.parent / "runs" / "untracked").touch()
    assert own_commit(model) == head
    model.write_text("def build(): return 1\n")
    assert own_commit(model) == f"{head}+changes"
    git(model.parent, "checkout", "-q", "net.py")
    other = model.with_name("other.py")
    other.touch()
    assert own_commit(other) == f"{head}+changes"
    assert own_commit(model.parents[2] / "net.py") == ""


def test_every_distribution_is_noted(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "environment.json"
    write_environment(path, ["xaitui", "train"], [], model, {"device": "cpu"})
    record = json.loads(path.read_text())
    assert record["model_commit"] == own_commit(model)
    assert record["distributions"] == installed()
    assert record["distributions"]["torch"] == metadata.version("torch") == record["versions"]["torch"]
    assert len(installed()) > 30
    write_environment(path, ["xaitui", "train"], [], None, {})
    assert "model_commit" not in json.loads(path.read_text())
    before = {name: value for name, value in record.items() if name not in ("distributions", "model_commit")}
    path.write_text(json.dumps(before))
    assert changed_versions(path) == []
