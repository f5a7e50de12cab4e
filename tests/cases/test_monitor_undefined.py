"""Scores that the validation split leaves undefined, followed by a run or a study."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cases.inputs import arrays
from xaitui.cli.app import run

ONE_EPOCH = ["--epochs", "1", "--threads", "1"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    images, labels = arrays(60)
    few, short = arrays(12)
    several = (np.random.default_rng(0).random((72, 3)) < 0.5).astype(np.uint8)
    several[60:, 2] = 0
    for name, train, val in (("one-class", labels, short * 0), ("several", several[:60], several[60:])):
        np.savez(
            tmp_path / f"{name}.npz",
            train_images=images,
            train_labels=train,
            val_images=few,
            val_labels=val,
            test_images=few,
            test_labels=val,
        )
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("metric", ["auc", "balanced_accuracy", "macro_f1"])
@pytest.mark.parametrize(
    ("data", "why"), [("one-class", "classes 1, 2 have no samples"), ("several", "label 2 has no positives")]
)
def test_a_monitor_that_is_never_defined_is_refused(
    data: str, why: str, metric: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "--headless", *ONE_EPOCH, "--monitor", metric, "--dataset", f"{data}.npz"]) == 2
    told = f"{metric} is never defined on this validation split: {why}; use --monitor accuracy or --monitor loss"
    assert told in capsys.readouterr().err
    assert not (folder / "runs").exists()


@pytest.mark.parametrize("data", ["one-class", "several"])
def test_monitors_that_are_always_defined_are_taken(data: str, folder: Path) -> None:
    for metric in ("accuracy", "loss"):
        assert run(["train", "--headless", *ONE_EPOCH, "--monitor", metric, "--dataset", f"{data}.npz"]) == 0


def test_an_objective_that_is_never_defined_is_refused_before_any_trial(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["sweep", *ONE_EPOCH, "--dataset", "one-class.npz", "--vary", "batch-size=16,32", "--name", "s"]
    assert run([*words, "--objective", "auc"]) == 2
    assert "classes 1, 2 have no samples; use --objective accuracy" in capsys.readouterr().err
    assert not (folder / "runs").exists()


def test_a_study_without_a_single_value_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The data changes after the study was made."""
    whole = dict(np.load("one-class.npz"))
    np.savez("set.npz", **(whole | {"val_labels": whole["test_labels"] + np.arange(12, dtype=np.uint8) % 3}))
    words = ["--dataset", "set.npz", "--vary", "batch-size=16,32", "--objective", "auc", "--name", "s"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("xaitui.cli.sweep.begin", lambda *args, **options: 0)
        assert run(["sweep", *ONE_EPOCH, *words]) == 0
    np.savez("set.npz", **whole)
    assert run(["sweep", "resume", "s"]) == 6
    assert "val_auc is undefined in every trial: choose another --objective" in capsys.readouterr().err
    assert run(["sweep", "status", "s"]) == 0
    assert "undefined in every trial: val_auc" in capsys.readouterr().out
