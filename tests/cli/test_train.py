"""`xaitui train` and its sisters, through the front door."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.run_commands import made_set
from xaitui.cli.app import run
from xaitui.runs.directory import RunDirectory, list_runs

FAST = ("--epochs", "1", "--threads", "1", "--batch-size", "16")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made_set(tmp_path / "set.npz")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(*words: str) -> int:
    return run(["train", "--headless", "--dataset", "set.npz", *FAST, *words])


def only_run(folder: Path) -> RunDirectory:
    (found,) = list_runs(folder / "runs")
    return found


def test_the_default_trains_on_digits_and_says_how_to_look_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "--headless", "--epochs", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    found = only_run(folder)
    assert lines[0] == f"run    {found.path}"
    assert lines[-1] == f"run    {found.path}"
    assert any(re.match(r"test   .*Accuracy 0\.\d+", line) for line in lines)
    look = next(line for line in lines if line.startswith("look"))
    assert run(look.removeprefix("look   xaitui ").split()) == 0
    assert "of the weights of epoch 1" in " ".join(capsys.readouterr().out.split())
    assert "\x1b" not in "".join(lines)


def test_json_is_the_journal_and_nothing_else(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train("--json") == 0
    captured = capsys.readouterr()
    assert captured.out == only_run(folder).journal.read_text()
    assert str(only_run(folder).path) in captured.err


def test_the_directory_has_what_it_should(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train("--name", "first", "--tag", "a,b", "--note", "a note", "--keep", "all") == 0
    found = only_run(folder)
    files = {str(path.relative_to(found.path)) for path in found.path.rglob("*") if path.is_file()}
    assert files == {
        *("config.toml", "environment.json", "events.jsonl", "metrics.csv", "train.log", "lock", "heartbeat"),
        *("hashes.jsonl", "preprocessing.json"),
        *("explanations/training/probe.npz", "explanations/training/epoch-0001.npz"),
        *("checkpoints/last.pt", "checkpoints/best.pt", "checkpoints/epoch-0001.pt"),
        *("predictions/val.npz", "predictions/test.npz"),
    }
    environment = json.loads(found.environment.read_text())
    assert environment["data"][0]["path"].endswith("set.npz")
    assert len(environment["data"][0]["md5"]) == 32
    assert environment["distributions"]["numpy"] == np.__version__
    assert "model_commit" not in environment
    with np.load(found.path / "predictions" / "test.npz") as arrays:
        assert arrays["probabilities"].shape == (14, 2)
        assert arrays["probabilities"].dtype == np.float32
    capsys.readouterr()
    assert run(["train", "--config", str(found.config), "--dry-run"]) == 0
    assert "tags = [" in capsys.readouterr().out
    assert run(["runs", "show", "first"]) == 0


def test_a_resumed_configuration_file_makes_an_equal_run(folder: Path) -> None:
    assert train("--hflip", "--json") == 0
    found = only_run(folder)
    assert run(["train", "--headless", "--config", str(found.config), "--runs-dir", "again"]) == 0
    (again,) = list_runs(folder / "again")
    assert again.metrics.read_text().split(",")[:9] == found.metrics.read_text().split(",")[:9]
    assert again.config.read_text() == found.config.read_text()


def test_runs_are_found_by_id_name_path_last_and_best(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train("--name", "one") == 0
    assert train("--name", "two", "--epochs", "2") == 0
    ids = [item.id for item in list_runs(folder / "runs")]
    for word in (ids[0], ids[0].rsplit("-", 1)[1], "one", "two", f"runs/{ids[1]}", "last", "best:val_auc"):
        capsys.readouterr()
        assert run(["runs", "show", word, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["state"] == "finished"
    for word in ("nothing", "best:auk", "2", "../etc"):
        assert run(["runs", "show", word]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert run(["runs", "ls", "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert run(["runs", "rm", "one"]) == 2
    assert run(["runs", "rm", "one", "--yes"]) == 0
    assert len(list_runs(folder / "runs")) == 1


def test_a_finished_run_goes_on_for_more_epochs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train() == 0
    assert run(["resume", "last", "--headless"]) == 2
    assert run(["resume", "last", "--headless", "--epochs", "+2"]) == 0
    assert len(only_run(folder).metrics.read_text().splitlines()) == 4
    assert run(["resume", "--epochs", "5"]) == 2
    assert "+5" in capsys.readouterr().err
    assert run(["attach"]) == 0


def test_the_time_limit_saves_and_asks_for_a_requeue(folder: Path) -> None:
    assert train("--epochs", "100000", "--max-time", "1") == 75
    assert run(["resume", "--max-time", "1"]) == 75
    found = only_run(folder)
    assert "max-time" in found.journal.read_text()


def test_a_program_is_started_at_the_end(folder: Path) -> None:
    assert train("--on-end", "sh -c 'echo $XAITUI_RUN > ended; exit 3'") == 0
    assert (folder / "ended").read_text().strip() == str(only_run(folder).path)
    assert "ended with 3" in only_run(folder).log.read_text()


def test_early_stopping_says_why(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train("--epochs", "50", "--patience", "2", "--monitor", "loss", "--lr", "0.9", "--min-delta", "10") == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "patience 1/2" in out
    assert "early stopping: loss has not improved by more than 10" in out


def test_a_loss_that_is_no_number_ends_with_5_and_keeps_the_checkpoint(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "mine.py").write_text(
        "import torch\nfrom torch import nn\n\n\nclass Poisoned(nn.Module):\n"
        "    def __init__(self, inputs, classes):\n        super().__init__()\n"
        "        self.linear = nn.Linear(inputs, classes)\n        self.calls = 0\n\n"
        "    def forward(self, x):\n        self.calls += self.training\n"
        "        return self.linear(x.flatten(1)) * (float('nan') if self.calls > 7 else 1)\n\n\n"
        "def build(num_classes, in_channels, image_size):\n"
        "    return Poisoned(in_channels * image_size**2, num_classes)\n"
    )
    words = ("--model", "mine.py:build", "--epochs", "9", "--traceback")
    assert train(*words) == 5
    err = capsys.readouterr()
    assert re.search(r"the loss of step \d+ is not finite", err.out + err.err)
    found = only_run(folder)
    assert found.last.exists()
    assert found.model_source.exists()
    assert run(["resume", "last"]) == 2
    assert "--trust-model" in capsys.readouterr().err
    assert run(["resume", "last", "--trust-model"]) == 5


def test_a_request_of_another_process_stops_a_run(folder: Path) -> None:
    from tests.run_commands import events_of, spawn

    words = ["train", "--json", "--dataset", "set.npz", "--epochs", "100000", "--threads", "1"]
    with spawn(words, folder) as process:
        events = events_of(process)
        for event in events:
            if event["event"] == "EpochFinished":
                break
        assert run(["stop"]) == 0
        rest: list[dict[str, Any]] = list(events)
    assert process.returncode == 0
    assert rest[-1]["event"] == "RunStopped"
    assert rest[-1]["test"]["accuracy"] >= 0
    assert any(event["event"] == "RequestAnswered" for event in rest)
    assert run(["stop"]) == 2


def test_last_alone_keeps_no_second_file(folder: Path) -> None:
    assert train("--keep", "last", "--epochs", "3") == 0
    assert [path.name for path in only_run(folder).last.parent.iterdir()] == ["last.pt"]
    assert run(["resume", "--epochs", "+1"]) == 0


def test_a_batch_of_one_image_is_refused_where_it_cannot_be_normalised(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("--batch-size", "1") == 2
    assert "--batch-size 2" in capsys.readouterr().err


def test_memory_that_is_not_there_ends_with_4_and_advice(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "greedy.py").write_text(
        "import torch\nfrom torch import nn\n\n\nclass Net(nn.Module):\n    def __init__(self, size):\n"
        "        super().__init__()\n        self.size = size\n        self.linear = nn.Linear(64, 2)\n\n"
        "    def forward(self, x):\n        hold = torch.empty(self.size) if self.training else None\n"
        "        return self.linear(x.flatten(1))\n\n\n"
        "def build(num_classes, in_channels, image_size):\n    return Net(1 << 50)\n"
    )
    assert train("--model", "greedy.py:build") == 4
    err = capsys.readouterr().err
    assert "smaller --batch-size" in err
    assert err.count("\n") == 1


def test_a_class_without_samples_is_said_and_not_counted_as_nought(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with np.load("set.npz") as arrays:
        rows = dict(arrays)
    rows["train_labels"][:4] = 2
    np.savez(folder / "set.npz", **rows)
    assert train("--json") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    scores = next(event for event in events if event["event"] == "Evaluated")
    assert scores["scores"]["auc"] is None
    assert scores["undefined"]["auc"] == "class 2 has no samples"
    assert train() == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "note val AUC, Balanced accuracy, Macro F1 are undefined: class 2 has no samples" in said
