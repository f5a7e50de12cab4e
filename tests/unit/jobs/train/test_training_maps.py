"""What a run looks at, watched through its training, without a trace in the training."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.run_commands import assert_equal_weights, finish, made_set, start, take_up
from xaitui.config.resolve import build_config
from xaitui.errors import ExitCode
from xaitui.events import EpochFinished, Event, Note, RunFinished
from xaitui.explain.methods.grad_cam import grad_cam
from xaitui.jobs.train import training_maps as probe_maps
from xaitui.jobs.train.execution import Execution
from xaitui.jobs.train.training_maps import ProbeMaps, samples_of
from xaitui.metrics.rank_correlation import rank_correlation
from xaitui.runs.directory import RunDirectory
from xaitui.runs.explanations.training_maps import Watched, read_watched, watched_folder
from xaitui.stop import Stop, StopReason
from xaitui.training.checkpoint import load_checkpoint

SMALL: dict[str, Any] = {"training__batch_size": 8, "training__epochs": 3, "training__threads": 1}


@pytest.fixture
def dataset(tmp_path: Path) -> str:
    return str(made_set(tmp_path / "set.npz"))


def watched(run: RunDirectory) -> Watched:
    found = read_watched(run)
    assert found is not None
    return found


def stop_after(execution: Execution, stop: Stop, epoch: int) -> RunDirectory:
    for event in execution.events():
        if isinstance(event, EpochFinished) and event.epoch == epoch:
            stop.ask(StopReason("a test", ExitCode.TERMINATED))
    return execution.run


def notes(events: list[Event]) -> list[str]:
    return [event.message for event in events if isinstance(event, Note)]


def assert_same_series(one: Watched, other: Watched) -> None:
    assert one.epochs == other.epochs
    assert [row.accuracy for row in one.rows] == [row.accuracy for row in other.rows]
    np.testing.assert_array_equal(one.moved, other.moved)
    for epoch in one.epochs:
        np.testing.assert_array_equal(one.maps(epoch), other.maps(epoch))
        np.testing.assert_array_equal(one.probabilities(epoch), other.probabilities(epoch))


def test_a_small_run_keeps_the_maps_of_true_classes_after_each_epoch(dataset: str, runs_dir: Path) -> None:
    execution = start(runs_dir, data__dataset=dataset, **SMALL)
    events = finish(execution)
    found, val = watched(execution.run), execution.prepared.dataset.val
    assert found.epochs == (1, 2, 3)
    assert found.maps(1).shape == (8, 8, 8)
    assert float(found.maps(3).max()) > 0
    np.testing.assert_array_equal(found.probe.targets, val.labels[found.probe.indices])
    np.testing.assert_array_equal(found.probe.images, np.asarray(val.images)[found.probe.indices])
    finished = [event for event in events if isinstance(event, EpochFinished)]
    assert [row.accuracy for row in found.rows] == [event.val["accuracy"] for event in finished]
    np.testing.assert_allclose(found.probabilities(2).sum(axis=1), 1, rtol=1e-5)
    expected = np.nanmean(1 - rank_correlation(found.maps(3), found.maps(2)))
    assert found.moved[2] == pytest.approx(expected, abs=1e-3)


def test_the_maps_are_those_of_the_weights_of_the_epoch(dataset: str, runs_dir: Path) -> None:
    execution = start(runs_dir, data__dataset=dataset, training__precision="bfloat16", **SMALL)
    finish(execution)
    found, parts = watched(execution.run), execution.prepared.trainer.parts
    parts.model.load_state_dict(load_checkpoint(execution.run.last)["model"])  # the test took those of the best epoch
    images = torch.from_numpy(found.probe.images).permute(0, 3, 1, 2)
    maps, _ = grad_cam(
        parts.model.eval(), found.probe.layer, parts.prepare(images), torch.from_numpy(found.probe.targets)
    )
    np.testing.assert_allclose(found.maps(3), maps.numpy(), rtol=2e-3, atol=1e-3 * float(maps.max()))


VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {"augmentation__rotate": 20, "augmentation__erasing": 0.5},
    "averaged": {"training__ema_decay": 0.9},
    "half": {"training__precision": "bfloat16"},
    "streamed": {"data__storage": "streaming"},
    "head": {"model__name": "resnet18", "model__finetune": "head", "data__image_size": 16},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_training_is_the_same_bit_for_bit(variant: str, dataset: str, runs_dir: Path) -> None:
    settings = {"data__dataset": dataset, **SMALL, "training__epochs": 2, **VARIANTS[variant]}
    seen, unseen = start(runs_dir, run__watch_samples=8, **settings), start(runs_dir, run__watch_samples=0, **settings)
    global_state = torch.get_rng_state()
    finish(seen)
    torch.set_rng_state(global_state)
    finish(unseen)
    assert watched(seen.run).epochs == (1, 2)
    assert read_watched(unseen.run) is None
    assert_equal_weights(seen.run, unseen.run)
    one, other = load_checkpoint(seen.run.last), load_checkpoint(unseen.run.last)
    assert torch.equal(one["generator"], other["generator"])
    assert one["best_epoch"] == other["best_epoch"]


def test_a_resumed_run_goes_on_with_its_series(dataset: str, runs_dir: Path) -> None:
    settings = {"data__dataset": dataset, **SMALL, "training__epochs": 4}
    whole, stop = start(runs_dir, **settings), Stop()
    finish(whole)
    run = stop_after(start(runs_dir, stop, **settings), stop, 2)
    assert watched(run).epochs == (1, 2)
    finish(take_up(run))
    assert_same_series(watched(run), watched(whole.run))


def test_epochs_that_are_done_again_replace_their_maps(dataset: str, runs_dir: Path) -> None:
    settings = {"data__dataset": dataset, **SMALL, "run__keep": "all"}
    whole, stop = start(runs_dir, **settings), Stop()
    finish(whole)
    run = stop_after(start(runs_dir, stop, **settings), stop, 2)
    shutil.copyfile(run.last.with_name("epoch-0001.pt"), run.last)
    shutil.copyfile(watched_folder(run) / "epoch-0001.npz", watched_folder(run) / "epoch-0002.npz")
    finish(take_up(run))
    assert_same_series(watched(run), watched(whole.run))


def test_a_folder_that_cannot_be_written_ends_the_watching_and_not_the_run(dataset: str, runs_dir: Path) -> None:
    execution = start(runs_dir, data__dataset=dataset, **SMALL)
    execution.run.explanations.write_text("in the way")
    events = finish(execution)
    assert isinstance(events[-1], RunFinished)
    notes = [event.message for event in events if isinstance(event, Note) and "not watched any more" in event.message]
    assert len(notes) == 1
    assert str(execution.run.explanations) in notes[0]


def test_memory_that_runs_out_ends_the_watching_and_not_the_run(
    dataset: str, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(probe_maps, "grad_cam", full)
    execution = start(runs_dir, data__dataset=dataset, **SMALL)
    events = finish(execution)
    said = [note for note in notes(events) if "watched" in note]
    assert said == ["what the model looks at is not watched any more: memory ran out"]
    assert isinstance(events[-1], RunFinished)


FLAT = """
from torch import nn

def build(num_classes, in_channels, image_size):
    return nn.Sequential(nn.Flatten(), nn.Linear(in_channels * image_size ** 2, num_classes))
"""

WITHOUT_GRADIENT = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, classes, channels):
        super().__init__()
        self.conv, self.out = nn.Conv2d(channels, 4, 3, padding=1), nn.Linear(4, classes)

    def forward(self, x):
        return self.out(self.conv(x).detach().mean(dim=(2, 3)))

def build(num_classes, in_channels, image_size):
    return Net(num_classes, in_channels)
"""

REFUSING = WITHOUT_GRADIENT.replace(
    "        return",
    "        if torch.is_grad_enabled() and not self.training:\n"
    "            raise KeyError('no gradients here')\n        return",
).replace(".detach()", "")


@pytest.mark.parametrize(
    ("source", "samples", "said"),
    [
        (FLAT, "auto", []),
        (FLAT, "4", ["nothing is watched: no image has a class, or no layer gives maps of it"]),
        (WITHOUT_GRADIENT, "auto", ["what the model looks at is not watched any more: "]),
        (REFUSING, "auto", ["what the model looks at is not watched any more: 'no gradients here'"]),
    ],
)
def test_a_model_that_cannot_be_explained_is_trained(
    source: str, samples: str, said: list[str], dataset: str, runs_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "own.py").write_text(source)
    settings = {"model__name": f"{tmp_path / 'own.py'}:build", "run__watch_samples": samples, **SMALL}
    events = finish(start(runs_dir, data__dataset=dataset, **settings))
    assert isinstance(events[-1], RunFinished)
    found = [note for note in notes(events) if "watched" in note]
    assert len(found) == len(said)
    assert all(note.startswith(start_of) for note, start_of in zip(found, said, strict=True))


def epoch(number: int, accuracy: float) -> EpochFinished:
    return EpochFinished(
        epoch=number,
        step=number,
        train_loss=0.1,
        train_accuracy=1.0,
        val={"accuracy": accuracy},
        lr=0.1,
        images_per_second=1.0,
        seconds=1.0,
        best_epoch=1,
        best=accuracy,
        waited=0,
        patience=0,
    )


def test_an_alarm_is_told_once_when_it_begins(dataset: str, runs_dir: Path) -> None:
    execution = start(runs_dir, data__dataset=dataset, **SMALL)
    parts = execution.prepared.trainer.parts
    maps, said = ProbeMaps(parts, execution.run), []
    for number in range(1, 7):
        for module in parts.model.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.normal_(module.weight)  # it answers as before, and looks elsewhere
        said.append(notes(list(maps.after(epoch(number, 0.75)))))
    assert [bool(each) for each in said] == [False, False, False, True, False, False]
    assert said[3][0].startswith("epoch 4: validation accuracy has stood still for 3 epochs, but what the model looks")
    assert watched(execution.run).alarms == (4, 5, 6)


@pytest.mark.parametrize(
    ("settings", "side", "samples"),
    [
        ({}, 28, 8),
        ({}, 64, 8),
        ({}, 65, 0),
        ({"training.epochs": 200}, 28, 8),
        ({"training.epochs": 201}, 28, 0),
        ({"run.watch_samples": "0"}, 28, 0),
        ({"run.watch_samples": 3, "training.epochs": 500}, 224, 3),
    ],
)
def test_small_runs_are_watched_unless_they_say_otherwise(settings: dict[str, Any], side: int, samples: int) -> None:
    assert samples_of(build_config(settings), side) == samples
