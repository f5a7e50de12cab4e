"""Few images of each class: each split that is cut has every class, and runs of before keep the splits they had."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cases.inputs import class_folders
from tests.run_commands import take_up
from xaitui.cli.app import run
from xaitui.runs.dataset import open_data
from xaitui.runs.directory import RunDirectory, list_runs

CLASSES = [*"abcd"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    folder = class_folders(tmp_path_factory.mktemp("few") / "set", CLASSES, 10).parent
    words = ["--epochs", "1", "--threads", "1", "--runs-dir", str(folder / "runs")]
    assert run(["train", "--headless", "--dataset", str(folder / "set"), *words]) == 0
    (found,) = list_runs(folder / "runs")
    return found


def test_every_class_is_in_val_and_test(trained: RunDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    data = open_data(trained)
    assert data.class_counts == {"train": (7,) * 4, "val": (1,) * 4, "test": (2,) * 4}
    assert data.notes[-1] == (
        "val is cut from train: 4 of 32 images, stratified by class; not 3, so that each class has one"
    )
    assert "undefined" not in trained.journal.read_text().replace('"undefined":{}', "")
    assert run(["evaluate", str(trained.path), "--split", "val"]) == 0
    assert "undefined" not in capsys.readouterr().out


def test_a_run_of_before_goes_on_with_the_splits_that_it_had(trained: RunDirectory) -> None:
    now = trained.config.read_text()
    assert "data_rules = 2\n" in now
    trained.config.write_text(now.replace("data_rules = 2\n", ""))
    try:
        data = open_data(trained)
        assert data.class_counts["val"] == (1, 1, 1, 0)
        assert data.notes[-1] == "val is cut from train: 3 of 32 images, stratified by class"
        resumed = take_up(trained, extend=1).prepared.dataset
        assert np.array_equal(resumed.val.labels, data.val.labels)
        assert np.array_equal(resumed.train.labels, data.train.labels)
    finally:
        trained.config.write_text(now)


def test_what_is_said_of_many_classes_is_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    class_folders(tmp_path / "set", [f"kind_{number:03d}" for number in range(120)], 1, side=8)
    class_folders(tmp_path / "set", [f"often_{number}" for number in range(2)], 4, side=8)
    assert run(["train", "--headless", "--dataset", "set", "--epochs", "1", "--threads", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    said = " ".join(" ".join(lines).split())
    ten = ", ".join(f"kind_{number:03d}" for number in range(10))
    assert f"note no image in val and test of {ten} and 110 more: the only one is in train" in said
    assert f"val AUC, Balanced accuracy, Macro F1 are undefined: classes {ten} and 110 more have no samples" in said
    assert "kind_009 1/0/0 and 112 more (train/val/test)" in said
    assert max(len(line) for line in lines if not line.startswith(("run ", "look "))) < 80
