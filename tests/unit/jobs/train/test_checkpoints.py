from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.run_commands import assert_equal_weights, finish, made_set, start, take_up
from xaitui.events import CheckpointSaved, EpochFinished, Note, RunFinished, RunResumed
from xaitui.jobs.train.checkpoints import SHARE, RunSaver, restore_last
from xaitui.runs.directory import RunDirectory
from xaitui.runs.journal.journal import JournalWriter
from xaitui.system.fault_points import Point, injected


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


def _step(checkpoint: Path) -> int:
    step: int = torch.load(checkpoint, weights_only=True)["step"]
    return step


def test_the_checkpoint_before_the_last_stays_and_is_of_another_step(settings: dict[str, Any], runs_dir: Path) -> None:
    execution = start(runs_dir, **settings)
    trainer, run = execution.prepared.trainer, execution.run
    journal = JournalWriter(run.journal)
    saver = RunSaver(run, journal, execution.prepared.config, at=trainer.at.step)
    saver.save(trainer)
    assert not run.previous.exists()
    for step, before in ((4, 0), (4, 0), (8, 4)):
        trainer.at.step = step
        saver.save(trainer)
        assert (_step(run.last), _step(run.previous)) == (step, before)
    journal.close()


def test_without_second_names_there_is_a_checkpoint_at_any_moment(
    settings: dict[str, Any], runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted", str(source))

    monkeypatch.setattr("os.link", link)
    execution = start(runs_dir, **settings)
    trainer, run = execution.prepared.trainer, execution.run
    journal = JournalWriter(run.journal)
    saver = RunSaver(run, journal, execution.prepared.config)
    saver.save(trainer)
    trainer.at.step = 4
    seen = []

    def fails(point: Point, what: str) -> None:
        if point is Point.FILE_WRITTEN and what == run.last.name:
            seen.append((run.last.exists(), _step(run.previous)))
            raise OSError(errno.EIO, "Input/output error")

    with injected(fails), pytest.raises(OSError, match="Input/output error"):
        saver.save(trainer)
    assert seen == [(False, 0)]
    restored = restore_last(run, trainer)
    assert (trainer.at.step, restored.checkpoint) == (0, "checkpoints/previous.pt")
    journal.close()


@pytest.mark.parametrize("damage", ["missing", "truncated", "another run's"])
def test_a_run_goes_on_exactly_from_the_checkpoint_before_one_that_is_damaged(
    damage: str, settings: dict[str, Any], runs_dir: Path
) -> None:
    whole = start(runs_dir, run__keep="all", **settings)
    finish(whole)
    run = whole.run
    expected = RunDirectory(runs_dir / "expected")
    expected.last.parent.mkdir(parents=True)
    expected.last.write_bytes(run.last.read_bytes())
    match damage:
        case "missing":
            run.last.unlink()
        case "truncated":
            run.last.write_bytes(run.last.read_bytes()[:-9])
        case _:
            torch.save({"model": {}}, run.last)
    run.journal.write_bytes(run.journal.read_bytes().rpartition(b'{"event":"RunFinished"')[0])  # it was cut off there
    events = finish(take_up(run))
    resumed = next(event for event in events if isinstance(event, RunResumed))
    assert (resumed.from_step, resumed.checkpoint, resumed.exact) == (8, "checkpoints/previous.pt", True)
    said = [event.message for event in events if isinstance(event, Note) and "checkpoint before it" in event.message]
    assert len(said) == 1
    assert "last.pt" in said[0]
    assert_equal_weights(run, expected)
    assert (_step(run.last), _step(run.previous)) == (12, 8)
    aside = [path for path in run.last.parent.iterdir() if path.name.startswith("last.damaged-")]
    assert len(aside) == (damage != "missing")
