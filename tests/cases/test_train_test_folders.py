"""A folder of `Training` and `Testing`, each with the folders of the classes: these are splits, and said to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.inputs import class_folders
from xaitui.cli.app import run
from xaitui.errors import ExitCode

CLASSES = ["glioma", "no_tumor", "pituitary"]
FAST = ["--headless", "--epochs", "1", "--threads", "1"]


def test_training_and_testing_are_splits_and_the_classes_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    class_folders(tmp_path / "set" / "Training", CLASSES, 10)
    class_folders(tmp_path / "set" / "Testing", CLASSES, 5)
    assert run(["train", "--dataset", "set", *FAST]) == 0
    said = capsys.readouterr().out.splitlines()
    named = "class  glioma 9/1/5, no_tumor 9/1/5, pituitary 9/1/5 (train/val/test)"
    assert {"data   27 train, 3 val, 15 test images", named} < {*said}
    assert "note   split folders: Training is train, Testing is test" in said
    assert run(["runs", "show", "last"]) == 0
    assert named in capsys.readouterr().out.splitlines()
    journal = next((tmp_path / "runs").glob("*/events.jsonl"))  # a run of before names of classes were noted
    journal.write_text(journal.read_text().replace(f',"classes":"{named.removeprefix("class  ")}"', ""))
    assert run(["runs", "show", "last"]) == 0
    assert "class  " not in capsys.readouterr().out


def test_folders_that_could_be_splits_or_classes_are_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class_folders(tmp_path / "set", ["test", "train"], 4)
    assert run(["train", "--dataset", str(tmp_path / "set"), *FAST]) == ExitCode.DATA
    assert "set/train needs a folder for each class inside it" in capsys.readouterr().err
