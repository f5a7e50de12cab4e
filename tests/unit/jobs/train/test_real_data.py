"""Real sets, from the official files, end to end."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.run_commands import finish, start
from tests.shared_data import shared_file
from xaitui.cli.app import run as run_command
from xaitui.events import EpochFinished, RunFinished

medmnist = pytest.importorskip("medmnist")


@pytest.mark.parametrize("flag", ["breastmnist", "pneumoniamnist"])
def test_scores_of_an_official_set_agree_with_its_own_evaluator(
    flag: str, runs_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data_dir = shared_file("medmnist", f"{flag}.npz").parent
    execution = start(
        runs_dir,
        data__dataset=flag,
        data__data_dir=str(data_dir),
        training__epochs=1,
        training__batch_size=64,
        training__monitor="auc",
        model__name="simple-cnn-v1",
    )
    last = finish(execution)[-1]
    assert isinstance(last, RunFinished)
    # It looks for the file of labels in a folder that it fixed when it was imported.
    monkeypatch.setattr(medmnist.Evaluator.__init__, "__defaults__", (None, str(data_dir)))
    for split in ("val", "test"):
        with np.load(execution.run.predictions / f"{split}.npz") as arrays:
            scores, labels = arrays["probabilities"], arrays["labels"]
        evaluator = medmnist.Evaluator(flag, split, root=str(data_dir))
        assert np.array_equal(evaluator.labels.squeeze(), labels)
        theirs = evaluator.evaluate(scores)
        (result,) = execution.run.predictions.glob(f"{flag}_{split}_*.csv")
        medmnist.Evaluator.parse_and_evaluate(str(result), run="xaitui")
        assert capsys.readouterr().out.strip() == str(theirs)
        if split == "test":
            assert abs(theirs.AUC - last.test["auc"]) < 1e-6
            assert abs(theirs.ACC - last.test["accuracy"]) < 1e-6


def test_what_evaluate_writes_is_what_medmnist_reads(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data_dir = shared_file("medmnist", "breastmnist.npz").parent
    execution = start(
        runs_dir,
        data__dataset="breastmnist",
        data__data_dir=str(data_dir),
        training__epochs=1,
        model__name="simple-cnn-v1",
    )
    finish(execution)
    shutil.rmtree(execution.run.predictions)
    assert run_command(["evaluate", execution.run.id, "--json", "--runs-dir", str(runs_dir)]) == 0
    ours = json.loads(capsys.readouterr().out)["scores"]
    monkeypatch.setattr(medmnist.Evaluator.__init__, "__defaults__", (None, str(data_dir)))
    (result,) = execution.run.predictions.glob("breastmnist_test_*.csv")
    medmnist.Evaluator.parse_and_evaluate(str(result), run="xaitui")
    said = capsys.readouterr().out
    with np.load(execution.run.predictions / "test.npz") as arrays:
        theirs = medmnist.Evaluator("breastmnist", "test", root=str(data_dir)).evaluate(arrays["probabilities"])
    assert said.strip() == str(theirs)
    assert (ours["auc"], ours["accuracy"]) == pytest.approx((theirs.AUC, theirs.ACC), abs=1e-6)


def test_mnist_is_learnt_from_a_tenth_of_its_images(runs_dir: Path) -> None:
    data_dir = shared_file("mnist", "train-images-idx3-ubyte.gz").parent
    execution = start(
        runs_dir,
        data__dataset="mnist",
        data__data_dir=str(data_dir),
        data__fraction=0.1,
        training__epochs=1,
        model__name="simple-cnn-v1",
    )
    events = finish(execution)
    epoch = next(event for event in events if isinstance(event, EpochFinished))
    assert epoch.val["accuracy"] > 0.9
    notes = " ".join(execution.prepared.notes)
    assert "10 %" in notes or "fraction" in notes


def test_a_cut_of_pathmnist_trains_in_colour(runs_dir: Path) -> None:
    path = shared_file("subsets", "pathmnist_train_first1000.npz")
    settings: dict[str, Any] = {"augmentation__stain_jitter": 0.2, "augmentation__rot90": True}
    execution = start(
        runs_dir,
        data__dataset=str(path),
        data__image_size=32,
        model__name="resnet18",
        data__fraction=0.1,
        training__epochs=1,
        **settings,
    )
    assert isinstance(finish(execution)[-1], RunFinished)
