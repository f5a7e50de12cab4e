"""Batches of one image, of which batch normalisation cannot take statistics where it sees one value of each channel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cases.inputs import arrays
from xaitui.cli.app import run

OWN = """
from torch import nn

def build(num_classes, in_channels, width, *norm):
    return nn.Sequential(nn.Conv2d(in_channels, 4, 3), nn.AdaptiveAvgPool2d(width), *norm,
                         nn.Flatten(), nn.Linear(4 * width * width, num_classes))

def wide(num_classes, in_channels, image_size):
    return build(num_classes, in_channels, 2, nn.BatchNorm2d(4))

def narrow(num_classes, in_channels, image_size):
    return build(num_classes, in_channels, 1, nn.Flatten(), nn.BatchNorm1d(4))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    images, labels = arrays(33, 2, 32)
    np.savez(tmp_path / "set.npz", train_images=images, train_labels=labels)
    (tmp_path / "own.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(*words: str) -> int:
    return run(["train", "--headless", "--epochs", "1", "--threads", "1", "--dataset", "set.npz", *words])


@pytest.mark.parametrize("option", ["--batch-size", "--micro-batch-size"])
@pytest.mark.parametrize("model", ["resnet18 --stem imagenet", "simple-cnn", "own.py:narrow"])
def test_one_image_is_refused_before_a_run_is_made(
    model: str, option: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("--model", *model.split(), option, "1") == 2
    assert f"needs at least two images: use {option} 2 or more" in capsys.readouterr().err
    assert not (folder / "runs").exists()


@pytest.mark.parametrize("words", ["--batch-size 1", "--batch-size 4 --micro-batch-size 1"])
def test_one_image_of_several_values_is_trained_on(words: str, folder: Path) -> None:
    assert train("--model", "own.py:wide", "--fraction", "0.2", *words.split()) == 0


def test_a_last_batch_of_one_joins_the_one_before(folder: Path) -> None:
    """23 images are trained on."""
    assert train("--model", "own.py:narrow", "--batch-size", "11", "--micro-batch-size", "2") == 0
