"""Brackets and spaces in names: images are found, and what is printed can be pasted."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.cases.inputs import bar, class_folders, save
from xaitui.cli.app import run as xaitui
from xaitui.cli.predict import files_meant
from xaitui.errors import UsageError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``new [1]`` with three images in two folders, and a file of another kind."""
    monkeypatch.chdir(tmp_path)
    for name in ("b.png", "a [x].png", "deep/c.PNG"):
        save(Path("new [1]", name), bar(0))
    Path("new [1]/notes.txt").write_text("none")
    Path("new [1]/.hidden.png").write_text("none")
    return tmp_path


def found(*words: str) -> list[str]:
    return [str(path) for path in files_meant(words)]


def test_a_folder_means_its_images_and_brackets_in_real_names_are_no_pattern(folder: Path) -> None:
    every = ["new [1]/a [x].png", "new [1]/b.png", "new [1]/deep/c.PNG"]
    assert found("new [1]") == every
    assert found("new [1]/*.png") == every[:2]
    assert found("new [[]1]/*.png") == every[:2]
    assert found(f"{folder}/new [1]/[ab]*.png") == [f"{folder}/{name}" for name in every[:2]]
    assert found("new [1]/a [x].png", "gone.png") == [every[0], "gone.png"]
    (folder / "empty").mkdir()
    for word in ("empty", "new [1]/*.jpg", "new [1]/gone.png", "new [2]/*.png"):
        with pytest.raises(UsageError, match=r"no image in|no file matches"):
            found(word)


def test_paths_that_are_printed_can_be_pasted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class_folders(folder / "set", "ab", 10)
    line = ["train", "--headless", "--dataset", "set", "--epochs", "1", "--threads", "1", "--name", "my run"]
    assert xaitui([*line, "--runs-dir", "runs [1]"]) == 0
    look, run = (shlex.split(line) for line in capsys.readouterr().out.splitlines()[-2:])
    assert look == ["look", "xaitui", "runs", "show", run[1]]
    assert xaitui(look[2:]) == 0
    assert shlex.split(capsys.readouterr().out.splitlines()[0]) == run
    assert xaitui(["resume", run[1]]) == 2
    advice = capsys.readouterr().err.partition("add epochs: ")[2]
    assert shlex.split(advice) == ["xaitui", "resume", Path(run[1]).name, "--epochs", "+5"]
    assert xaitui(["predict", run[1], "new [1]"]) == 0
    assert capsys.readouterr().out.count(" %") == 6
