"""`xaitui train --dry-run --probe`, and settings that are found when a run is made, through the front door."""

from __future__ import annotations

import json
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from tests.run_commands import made_set
from xaitui.cli.app import run
from xaitui.config.toml import from_toml
from xaitui.jobs.measure import speed
from xaitui.jobs.preflight import batch_size as largest_batch
from xaitui.jobs.preflight.report import Preflight
from xaitui.runs.directory import list_runs

PROBE = ("train", "--dry-run", "--probe", "--threads", "1")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(speed, "SECONDS", 0.1)
    monkeypatch.setattr(largest_batch, "SECONDS", 1.0)
    return tmp_path


def test_people_get_the_configuration_and_a_few_lines(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*PROBE, "--batch-size", "auto", "--fraction", "0.2"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("schema = ")
    assert tomllib.loads(captured.out)["training"]["batch_size"] == 0
    lines = captured.out.splitlines()
    found = lines[lines.index("# xaitui train --fraction=0.2 --batch-size=0 --threads=1 --headless") + 1 :]
    assert [line.split()[1] for line in found[:5]] == ["device", "speed", "time", "memory", "batch"]
    assert all(line.startswith("# ") and len(line) <= 80 for line in found)
    assert "# batch   8 images; up to " in captured.out
    assert "batch size 8: the largest power of two" in captured.out
    assert captured.err == "finding the largest batch that fits\n"
    assert list(folder.iterdir()) == []


def test_programs_get_one_object_and_nothing_else(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*PROBE, "--json", "--epochs", "3"]) == 0
    captured = capsys.readouterr()
    (line,) = captured.out.splitlines()
    record = json.loads(line)
    assert list(record) == [item.name for item in fields(Preflight)]
    assert record["epochs"] == 3
    assert record["run_seconds"] > 3 * record["epoch_seconds"] > 0
    assert captured.err == ""
    assert list(folder.iterdir()) == []


def test_without_a_dry_run_it_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--headless", "--probe"]) == 2
    assert capsys.readouterr().err == (
        "xaitui: --probe measures and does nothing else: add --dry-run, or leave it away to train\n"
    )
    assert list(folder.iterdir()) == []


MODELS = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, inputs, classes, size, factor):
        super().__init__()
        self.linear, self.size, self.factor = nn.Linear(inputs, classes), size, factor

    def forward(self, x):
        hold = torch.empty(self.size) if self.training else None
        return self.linear(x.flatten(1)) * self.factor


def greedy(num_classes, in_channels, image_size):
    return Net(in_channels * image_size**2, num_classes, 1 << 50, 1.0)


def poisoned(num_classes, in_channels, image_size):
    return Net(in_channels * image_size**2, num_classes, 1, float("nan"))
"""


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--model", "models.py:greedy"], 4, "smaller --batch-size"),
        (["--model", "models.py:poisoned"], 5, "is not finite"),
        (["--dataset", "nothing.npz"], 3, "nothing.npz"),
        (["--hflip"], 2, "hflip does not suit digits"),
    ],
)
def test_a_failure_is_that_of_the_run(
    words: list[str], code: int, told: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "models.py").write_text(MODELS)
    assert run([*PROBE, "--json", *words]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert told in captured.err
    assert captured.err.count("\n") == 1
    assert [path.name for path in folder.iterdir()] == ["models.py"]


def test_a_run_is_made_with_the_number_that_was_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made_set(folder / "set.npz", images=300)
    (folder / "run.toml").write_text('[training]\nbatch_size = "auto"\nepochs = 1\nthreads = 1\n')
    assert run(["train", "--headless", "--dataset", "set.npz", "--config", "run.toml"]) == 0
    captured = capsys.readouterr()
    assert captured.err == "finding the largest batch that fits\n"
    assert "batch size 8: the largest power of two" in captured.out
    (made,) = list_runs(folder / "runs")
    assert from_toml(made.config.read_text()).training.batch_size == 8
    assert run(["resume", "last", "--headless", "--epochs", "+1"]) == 0
    assert len(made.metrics.read_text().splitlines()) == 3


def test_a_study_refuses_what_is_to_be_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sweep", "--vary", "lr=0.1,0.01", "--batch-size", "auto"]) == 2
    assert "a study cannot find the batch size" in capsys.readouterr().err
    assert not (folder / "runs").exists()
