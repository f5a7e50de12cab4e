"""A step that goes wrong: a loss that is no number, gradients that explode, labels that are no classes."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from tests.faults.disk import check_equal, check_files
from tests.run_commands import finish, made_set, start, take_up
from xaitui.errors import ExitCode
from xaitui.events import BadStep, Event, RunFailed, RunFinished
from xaitui.jobs.train.execution import Execution
from xaitui.runs.directory import RunDirectory
from xaitui.system.fault_points import Point, injected
from xaitui.training.checkpoint import load_checkpoint
from xaitui.training.trainer import Trainer

SETTINGS: dict[str, Any] = {
    "training__batch_size": 8,
    "training__threads": 1,
    "training__epochs": 3,
    "run__keep": "all",
}
STEPS_PER_EPOCH, STEPS = 4, 12

Fault = Callable[[Trainer], object]
"""Done to a trainer right before a step."""


def loss(trainer: Trainer) -> None:
    """The model answers with NaN."""
    trainer.parts.model.register_forward_hook(lambda module, inputs, logits: logits * math.nan)


def exploding_loss(trainer: Trainer) -> None:
    """The loss is beyond what its type holds."""
    trainer.parts.model.register_forward_hook(lambda module, inputs, logits: logits * 1e38 * 1e38)


def infinite_gradient(trainer: Trainer) -> None:
    """One gradient is infinite, and the loss is not."""
    _weight(trainer).register_hook(lambda gradient: gradient * math.inf)  # type: ignore[no-untyped-call]


def exploding_gradient(trainer: Trainer) -> None:
    """A gradient is finite and its square, which Adam keeps, is not: the weight would never move again."""
    _weight(trainer).register_hook(lambda gradient: torch.full_like(gradient, 1e30))  # type: ignore[no-untyped-call]


def statistics(trainer: Trainer) -> None:
    """Batch normalisation keeps a mean that is infinite, which training, where a batch has its own, does not show."""
    next(each for name, each in trainer.parts.model.named_buffers() if "running_mean" in name).fill_(math.inf)


def labels(trainer: Trainer) -> None:
    """The labels of all images are no classes any more; a batch that was drawn before has its own."""
    trainer.parts.train.labels.fill_(7)


FAULTS: dict[str, tuple[Fault, str, ExitCode]] = {
    "loss": (loss, "loss", ExitCode.DIVERGED),
    "exploding loss": (exploding_loss, "loss", ExitCode.DIVERGED),
    "infinite gradient": (infinite_gradient, "weights", ExitCode.DIVERGED),
    "statistics": (statistics, "statistics", ExitCode.DIVERGED),
    "exploding gradient": (exploding_gradient, "optimizer", ExitCode.DIVERGED),
    "labels": (labels, "labels", ExitCode.DATA),
}
"""What is done, what is to be named, and how the run is to end."""


def _weight(trainer: Trainer) -> Tensor:
    return next(weight for weight in trainer.parts.model.parameters() if weight.requires_grad)


class Disturbed:
    """Does something to a trainer before a step, and keeps what each step was given."""

    def __init__(self, trainer: Trainer, fault: Fault, step: int) -> None:
        self._trainer, self._fault, self._step = trainer, fault, step
        self.inputs: dict[int, Tensor] = {}
        """By step, the first image that the model was given."""
        trainer.parts.model.register_forward_pre_hook(self._keep)

    def __call__(self, point: Point, what: str) -> None:
        """The fault, at its point."""
        is_drawn = point is Point.STEP_BEGUN
        if self._trainer.at.step == self._step - 1 and is_drawn is not (self._fault is labels):
            self._fault(self._trainer)

    def _keep(self, model: torch.nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if model.training:
            self.inputs[self._trainer.at.step + 1] = inputs[0].clone()


@cache
def _whole() -> tuple[RunDirectory, TemporaryDirectory[str]]:
    folder = TemporaryDirectory(prefix="not-finite-")
    execution = begin(Path(folder.name))
    assert isinstance(finish(execution)[-1], RunFinished)
    return execution.run, folder


def begin(folder: Path, **settings: Any) -> Execution:
    """A run that is ready for its first step, in a folder of its own."""
    return start(folder / "runs", data__dataset=str(made_set(folder / "set.npz")), **{**SETTINGS, **settings})


def disturb(execution: Execution, kind: str, step: int) -> list[Event]:
    """Carry a run out with a fault at a step, and look at what it says and leaves; raises AssertionError."""
    fault, what, code = FAULTS[kind]
    disturbed = Disturbed(execution.prepared.trainer, fault, step)
    with injected(disturbed):
        events = finish(execution)
    where = f"{kind} at step {step}"
    last, bad = events[-1], [event for event in events if isinstance(event, BadStep)]
    assert isinstance(last, RunFailed), f"{where}: the run went on to {last}"
    assert last.exit_code == code, f"{where}: exit code {last.exit_code}"
    assert len(bad) == 1, f"{where}: {len(bad)} bad steps"
    is_hidden = what in ("statistics", "optimizer")  # from the loss: they are looked at when the epoch is over
    found_at = -(-step // STEPS_PER_EPOCH) * STEPS_PER_EPOCH if is_hidden else step
    assert (bad[0].step, bad[0].what) == (found_at, what), f"{where}: said to be {bad[0].what} of {bad[0].step}"
    assert bad[0].epoch == (found_at - 1) // STEPS_PER_EPOCH + 1, f"{where}: said to be of epoch {bad[0].epoch}"
    assert str(bad[0].step) in last.message, f"{where}: {last.message}"
    if what != "labels":  # which are looked at after the model has answered
        check_images(execution.prepared.trainer, bad[0], disturbed.inputs[bad[0].step])
    check_good(execution.run, step, where)
    return events


def check_images(trainer: Trainer, bad: BadStep, given: Tensor) -> None:
    """The images that are named are those that the model was given; raises AssertionError."""
    rows = torch.tensor([int(row) for row in bad.images.split()])
    images, _ = next(trainer.parts.train.batches([rows]))
    assert torch.equal(trainer.parts.prepare(images), given), f"{bad}: other images were trained on"


def check_good(run: RunDirectory, step: int, where: str) -> None:
    """The checkpoint of the epoch before is there, and finite; raises AssertionError."""
    check_files(run, where)
    epochs = (step - 1) // STEPS_PER_EPOCH
    assert run.last.exists() == bool(epochs), f"{where}: a checkpoint after {epochs} epochs"
    if epochs:
        state = load_checkpoint(run.last)
        assert state["step"] == epochs * STEPS_PER_EPOCH, f"{where}: a checkpoint of step {state['step']}"
        poisoned = [name for name, tensor in state["model"].items() if not torch.isfinite(tensor.float()).all()]
        assert not poisoned, f"{where}: poisoned {poisoned}"


def one_round(seed: int, folder: Path) -> None:
    """Something goes wrong at a random step, twice; afterwards the run goes on as if it had not."""
    draw = random.Random(seed)
    execution, step = begin(folder), 0
    for _ in range(2):
        done = step and (step - 1) // STEPS_PER_EPOCH * STEPS_PER_EPOCH
        step = draw.randint(done + 1, STEPS)
        disturb(execution, draw.choice(list(FAULTS)), step)
        execution = take_up(execution.run)
    check_goes_on(execution)


def check_goes_on(execution: Execution) -> None:
    """A run that was taken up ends as one that nothing happened to; raises AssertionError."""
    last = finish(execution)[-1]
    assert isinstance(last, RunFinished), f"it does not come to its end: {last}"
    check_equal(execution.run, _whole()[0])
