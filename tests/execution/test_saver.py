from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.runs_for_tests import finish, made_set, start
from xaitui.events import CheckpointSaved, EpochFinished, RunFinished
from xaitui.execution.saver import SHARE, RunSaver
from xaitui.runs.journal import JournalWriter


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    dataset = str(made_set(tmp_path / "set.npz"))
    return {"data__dataset": dataset, "training__epochs": 3, "training__threads": 1, "training__batch_size": 8}


def test_a_checkpoint_is_due_at_the_end_of_an_epoch_and_on_time_but_never_too_often(
    settings: dict[str, Any], runs_dir: Path
) -> None:
    now = [0.0]
    execution = start(runs_dir, run__save_every=100, **settings)
    journal = JournalWriter(execution.run.journal)
    saver = RunSaver(execution.run, journal, execution.prepared.config, lambda: now[0])
    assert saver.due(epoch_end=True)
    assert not saver.due(epoch_end=False)
    now[0] = 100.0
    assert saver.due(epoch_end=False)
    saver.save(execution.prepared.trainer)
    saver._cost = 4.0
    now[0] += 4.0 / SHARE - 1
    assert not saver.due(epoch_end=True)
    saver.ask()
    assert saver.due(epoch_end=False)
    now[0] += 1
    assert saver.due(epoch_end=True)
    journal.close()


def test_the_best_weights_are_those_of_the_best_epoch(settings: dict[str, Any], runs_dir: Path) -> None:
    execution = start(runs_dir, training__monitor="loss", run__keep="all", **settings)
    events = finish(execution)
    last = events[-1]
    assert isinstance(last, RunFinished)
    losses = {event.epoch: event.val["loss"] for event in events if isinstance(event, EpochFinished)}
    assert last.best_epoch == min(losses, key=lambda epoch: losses[epoch])
    best = torch.load(execution.run.best, weights_only=True)
    epoch = torch.load(execution.run.last.with_name(f"epoch-{last.best_epoch:04}.pt"), weights_only=True)
    assert best["epoch"] == last.best_epoch
    assert all(torch.equal(tensor, epoch["model"][name]) for name, tensor in best["model"].items())
    assert sum(isinstance(event, CheckpointSaved) for event in events) >= 3


def test_averaged_weights_are_evaluated_kept_and_said(settings: dict[str, Any], runs_dir: Path) -> None:
    execution = start(runs_dir, training__ema_decay=0.9, **settings)
    last = finish(execution)[-1]
    assert isinstance(last, RunFinished)
    assert "(averaged)" in last.weights
    best = torch.load(execution.run.best, weights_only=True)
    assert best["averaged"]
    assert not torch.equal(
        best["model"]["fc2.weight"], execution.prepared.trainer.parts.model.state_dict()["fc2.weight"]
    )
