"""`xaitui explain RUN --against OTHER`: the same images by two runs."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.run_commands import finish, made_set, start
from xaitui.cli.app import run as run_command
from xaitui.runs.directory import RunDirectory
from xaitui.runs.explanations.two_runs import list_against, mean_of
from xaitui.runs.find import find_run

Captured = pytest.CaptureFixture[str]
SMALL: dict[str, Any] = {"training__batch_size": 8, "training__epochs": 1, "training__threads": 1}


def trained(folder: Path, name: str, **settings: Any) -> RunDirectory:
    execution = start(folder, run__name=name, **{**SMALL, **settings})
    finish(execution)
    return execution.run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of one set, with ReLU and LeakyReLU, and one of another set."""
    folder = tmp_path_factory.mktemp("runs")
    one = str(made_set(folder / "one.npz", side=12))
    trained(folder / "runs", "relu", data__dataset=one)
    trained(folder / "runs", "leaky", data__dataset=one, model__activation="leaky-relu", model__batch_norm=False)
    trained(folder / "runs", "larger", data__dataset=one, data__image_size=16)
    trained(folder / "runs", "digits", data__fraction=0.05)
    trained(folder / "runs", "reseeded", data__fraction=0.05, training__seed=1)
    return folder / "runs"


def explain(folder: Path, *words: str) -> int:
    return run_command(["explain", *words, "--no-scores", "--device", "cpu", "--runs-dir", str(folder)])


def test_the_same_images_by_two_runs(folder: Path, capsys: Captured) -> None:
    methods = ("--method", "grad-cam,integrated-gradients", "--samples", "random:4")
    assert explain(folder, "relu", "--against", "leaky", *methods) == 0
    lines = capsys.readouterr().out.splitlines()
    run, other = find_run("relu", folder), find_run("leaky", folder)
    found = list_against(run)
    assert [each.method for each in found] == ["grad-cam", "integrated-gradients"]
    assert {each.other for each in found} == {other.id}
    for each in found:
        own, theirs = each.maps()
        assert own.shape == theirs.shape == (4, 12, 12)
        assert not (own == theirs).all()
        assert -1 <= mean_of(each.samples, "spearman_abs") < 1
        rows = [row for row, sample in enumerate(each.samples) if not math.isnan(sample.spearman_abs)]
        assert rows
        assert all(Image.open(each.picture(row)).size[0] > 100 for row in rows)
    heads = [line for line in lines if "against" in line]
    assert heads[0] == f"grad-cam at conv2.2 against {other.id}, test images"
    table = lines[lines.index(heads[0]) + 1 :]
    assert table[0].split() == ["INDEX", "CLASS", "SPEARMAN", "SIGNED", "SSIM"]
    assert table[5].split()[0] == "mean"
    assert max(map(len, table[:7])) <= 80


def test_as_json(folder: Path, capsys: Captured) -> None:
    words = ("--method", "saliency", "--samples", "idx:3,1", "--target", "true", "--json")
    assert explain(folder, "relu", "--against", "leaky", *words) == 0
    record = json.loads(capsys.readouterr().out)
    (pair,) = record["against"]
    assert pair["against"] == find_run("leaky", folder).id
    assert [sample["index"] for sample in pair["samples"]] == [3, 1]
    assert [sample["target"] for sample in pair["samples"]] == [1, 1]


@pytest.mark.parametrize(
    ("one", "other", "split", "reason"),
    [
        ("relu", "relu", "test", "--against takes another run than the one that is explained"),
        ("relu", "digits", "test", "cannot be compared: another dataset, "),
        ("relu", "larger", "test", "cannot be compared: another side in px that the model sees, 12 and 16"),
        ("digits", "reseeded", "val", "are not the same: seeds cut different ones; try --split test"),
        ("relu", "nobody", "test", "nobody"),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    one: str, other: str, split: str, reason: str, folder: Path, capsys: Captured
) -> None:
    words = ("--method", "saliency", "--samples", "idx:0", "--split", split)
    assert explain(folder, one, "--against", other, *words) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("xaitui: ")
    assert reason in error


def test_the_same_split_that_is_not_cut_can_be_compared_over_seeds(folder: Path, capsys: Captured) -> None:
    assert explain(folder, "digits", "--against", "reseeded", "--method", "saliency", "--samples", "idx:0,1") == 0
    assert capsys.readouterr().out.count("against") == 2  # the head, and the folder
