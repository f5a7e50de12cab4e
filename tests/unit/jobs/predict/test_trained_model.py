"""The trained model of a run says what its stored predictions say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.run_commands import finish, made_set, start
from xaitui.errors import DataError, UsageError
from xaitui.jobs.predict.trained_model import TrainedModel, load_trained
from xaitui.runs.directory import RunDirectory
from xaitui.runs.predictions import read_predictions

OWN = """
from torch import nn

def build(num_classes, in_channels, image_size):
    return nn.Sequential(nn.Flatten(), nn.Linear(in_channels * image_size * image_size, num_classes))
"""


def train(runs_dir: Path, **settings: Any) -> RunDirectory:
    execution = start(runs_dir, data__dataset="digits", training__epochs=1, data__fraction=0.2, **settings)
    finish(execution)
    assert execution.error is None
    return execution.run


def assert_stored(trained: TrainedModel, split: str = "test") -> None:
    found = trained.split(split)
    images = torch.from_numpy(np.asarray(found.images)).permute(0, 3, 1, 2)
    stored = read_predictions(trained.run.predictions / f"{split}.npz")
    assert np.array_equal(found.labels, stored.labels)
    assert torch.softmax(trained.logits(images), 1).numpy() == pytest.approx(stored.probabilities, abs=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"data__normalize": "train"},
        {"data__image_size": 12, "model__name": "resnet18"},
        {"training__ema_decay": 0.9},
        {"run__keep": "last"},
    ],
    ids=["plain", "train-statistics", "resnet-resized", "averaged", "keep-last"],
)
def test_it_says_what_was_stored(tmp_path: Path, settings: dict[str, Any]) -> None:
    run = train(tmp_path, **settings)
    trained = load_trained(run, device="cpu")
    assert_stored(trained)
    assert_stored(trained, "val")
    assert not any(parameter.requires_grad for parameter in trained.module.parameters())
    assert not trained.module.training


def test_a_run_of_before_the_preprocessing_was_kept_is_read_from_its_data(tmp_path: Path) -> None:
    run = train(tmp_path, data__normalize="train")
    kept = load_trained(run).preprocessing
    run.preprocessing.unlink()
    assert load_trained(run).preprocessing == kept


def test_no_data_are_needed_for_the_model_alone(tmp_path: Path) -> None:
    data = made_set(tmp_path / "own.npz")
    execution = start(tmp_path / "runs", data__dataset=str(data), training__epochs=1)
    finish(execution)
    data.unlink()
    trained = load_trained(execution.run)
    assert trained.logits(torch.zeros(3, 1, 8, 8, dtype=torch.uint8)).shape == (3, 2)
    with pytest.raises(DataError, match=r"own\.npz"):
        trained.split("test")


def test_other_weights_have_another_hash(tmp_path: Path) -> None:
    one, other = train(tmp_path), train(tmp_path, training__seed=1)
    assert load_trained(one).sha256 == load_trained(one).sha256 != load_trained(other).sha256


def test_an_own_model_is_executed_only_where_it_is_trusted(tmp_path: Path) -> None:
    source = tmp_path / "own.py"
    source.write_text(OWN)
    run = train(tmp_path / "runs", model__name=f"{source}:build")
    with pytest.raises(UsageError, match="--trust-model"):
        load_trained(run)
    assert_stored(load_trained(run, trust_model=True))


def test_what_is_missing_or_damaged_is_said(tmp_path: Path) -> None:
    run = train(tmp_path)
    trained = load_trained(run)
    with pytest.raises(UsageError, match="did you mean 'test'"):
        trained.split("tset")
    run.best.write_bytes(b"nothing")
    with pytest.raises(DataError, match="cannot use the checkpoint"):
        load_trained(run)
    run.best.unlink()
    assert_stored(load_trained(run))  # last.pt has the best weights too
    run.last.unlink()
    with pytest.raises(DataError, match="has no checkpoint yet"):
        load_trained(run)
    run.config.write_text("nonsense")
    with pytest.raises(DataError, match="the configuration is no TOML"):
        load_trained(run)


def test_damaged_preprocessing_says_what_to_do(tmp_path: Path) -> None:
    run = train(tmp_path)
    run.preprocessing.write_text("{}")
    with pytest.raises(DataError, match="delete it"):
        load_trained(run)
