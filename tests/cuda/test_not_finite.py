"""A loss, a gradient or a state that is not finite: found late on a GPU, and the step that did it is named still."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.faults.disk import check_equal
from tests.faults.not_finite import FAULTS, STEPS, STEPS_PER_EPOCH, begin, check_good, disturb
from tests.run_commands import finish, made_set, take_up
from xaitui.cli.app import run as run_command
from xaitui.errors import ExitCode
from xaitui.events import BadStep, RunFailed, RunFinished, StepLogged
from xaitui.runs.directory import RunDirectory
from xaitui.system.fault_points import Point, injected
from xaitui.training.trainer import Trainer

pytestmark = pytest.mark.cuda

KINDS = [kind for kind in FAULTS if kind != "labels"]
"""A label that is no class is not brought to a GPU: see `test_labels`."""


@pytest.fixture(scope="module")
def settings(device: str) -> dict[str, Any]:
    return {"run__device": device, "training__deterministic": True}


@pytest.fixture(scope="module")
def whole(settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """The run that nothing happens to."""
    execution = begin(tmp_path_factory.mktemp("whole"), **settings)
    assert isinstance(finish(execution)[-1], RunFinished)
    return execution.run


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_goes_on_exactly_from_before_the_step_that_went_wrong(
    kind: str, settings: dict[str, Any], whole: RunDirectory, tmp_path: Path
) -> None:
    execution = begin(tmp_path, **settings)
    for step in (3, 6, STEPS):
        disturb(execution, kind, step)
        execution = take_up(execution.run)
    assert isinstance(finish(execution)[-1], RunFinished)
    check_equal(execution.run, whole)


def once(trainer: Trainer, step: int, kept: dict[str, Tensor]) -> Callable[[Point, str], None]:
    """Make the loss of one step NaN, and keep the weights that it began with."""

    def spoil(module: nn.Module, inputs: tuple[Tensor, ...], logits: Tensor) -> Tensor | None:
        return logits * math.nan if module.training and trainer.at.step == step - 1 else None

    def keep(point: Point, what: str) -> None:
        if point is Point.STEP_BEGUN and trainer.at.step == step - 1:
            kept.update({name: weight.detach().clone() for name, weight in trainer.parts.model.named_parameters()})

    trainer.parts.model.register_forward_hook(spoil)
    return keep


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw", "rmsprop"])
def test_a_flag_that_is_read_at_the_next_line_names_the_step_whose_update_was_left_out(
    optimizer: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    """Of the second step of the second epoch it is told with its last; the two between have finite losses again."""
    step = STEPS_PER_EPOCH + 2
    execution = begin(tmp_path, optimizer__name=optimizer, optimizer__lr=0.01, **settings)
    parts = replace(execution.prepared.trainer.parts, log_every=STEPS_PER_EPOCH)
    execution.prepared = replace(execution.prepared, trainer=Trainer(parts))
    trainer, kept = execution.prepared.trainer, dict[str, Tensor]()
    with injected(once(trainer, step, kept)):
        events = finish(execution)
    bad, failed = events[-2], events[-1]
    assert isinstance(bad, BadStep)
    assert (bad.step, bad.epoch, bad.what) == (step, 2, "loss")
    assert isinstance(failed, RunFailed)
    assert failed.exit_code == ExitCode.DIVERGED
    assert [event.step for event in events if isinstance(event, StepLogged)] == [STEPS_PER_EPOCH]
    on_gpu = parts.numerics.device.type == "cuda"
    assert trainer.at.step == (2 * STEPS_PER_EPOCH if on_gpu else step - 1)
    if optimizer != "rmsprop" or not on_gpu:  # which has no fused kernel
        for name, weight in parts.model.named_parameters():
            assert torch.equal(weight, kept[name]), name
    check_good(execution.run, step, optimizer)


def test_a_rate_that_is_too_high_ends_with_5(
    device: str, tmp_path: Path, runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = str(made_set(tmp_path / "set.npz"))
    words = [
        "train",
        "--headless",
        "--device",
        device,
        "--dataset",
        dataset,
        "--optimizer",
        "sgd",
        "--lr",
        "1000",
        "--batch-size",
        "8",
        "--epochs",
        "3",
        "--threads",
        "1",
        "--runs-dir",
        str(runs_dir),
    ]
    assert run_command(words) == 5
    assert "resuming it does the same again: train with a lower --lr" in " ".join(capsys.readouterr().err.split())
