"""A label that is no class is refused before a GPU sees it: after its assertion the process could not use the GPU."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.run_commands import made_set
from xaitui.cli.app import run as run_command
from xaitui.data.dataset import Dataset
from xaitui.jobs import prepare
from xaitui.runs.directory import list_runs
from xaitui.runs.state import State, summarise

pytestmark = pytest.mark.cuda


@pytest.mark.parametrize(("split", "label"), [("train", 7), ("val", -1)])
def test_a_label_that_is_no_class_is_refused_and_the_process_trains_on(
    split: str,
    label: int,
    device: str,
    tmp_path: Path,
    runs_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    opened = prepare.open_data

    def mislabelled(*arguments: Any) -> Dataset:
        dataset = opened(*arguments)
        labels = dataset.split(split).labels.copy()
        labels[5] = label
        return replace(dataset, **{split: replace(dataset.split(split), labels=labels)})  # type: ignore[arg-type]

    words = [
        "train",
        "--headless",
        "--device",
        device,
        "--dataset",
        str(made_set(tmp_path / "set.npz")),
        "--epochs",
        "1",
        "--threads",
        "1",
        "--runs-dir",
        str(runs_dir),
    ]
    with monkeypatch.context() as patch:
        patch.setattr(prepare, "open_data", mislabelled)
        assert run_command(words) == 3
    err = capsys.readouterr().err
    assert f"the labels of {split} are not classes: {label}: not one of the classes 0 to 1" in " ".join(err.split())
    assert list_runs(runs_dir) == []
    assert torch.ones(3, device=device).sum().item() == 3
    assert run_command(words) == 0
    (run,) = list_runs(runs_dir)
    assert summarise(run).state is State.FINISHED
