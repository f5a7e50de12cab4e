"""Memory that runs out: the run goes on from the same step in smaller portions, and gives up only with the smallest."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.run_commands import assert_equal_weights, finish, logged_steps, made_set, start, take_up
from xaitui.errors import ExitCode
from xaitui.events import EpochFinished, Evaluated, Event, MemoryRanOut, RunFailed, RunFinished, RunResumed, StepLogged
from xaitui.jobs.train.execution import Execution
from xaitui.runs.journal.journal import read_journal
from xaitui.stop import Stop, StopReason

SMALL: dict[str, Any] = {"training__batch_size": 8, "training__epochs": 2, "training__threads": 1}
"""On 33 images: the last of five batches of an epoch would be a single image, and joins the one before."""

ERRORS = {
    "accelerator": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    "processor": RuntimeError(
        "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
    ),
    "convolutions": RuntimeError("could not create a primitive"),
    "host": MemoryError(),
    "library": RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
}


@pytest.fixture
def dataset(tmp_path: Path) -> str:
    return str(made_set(tmp_path / "set.npz", images=33))


@dataclass
class Wall:
    """Lets a model's pass run out of memory once it has done its work: dropout has drawn, statistics have moved."""

    most: int
    """The most images at once that fit."""
    error: Exception = field(default_factory=lambda: ERRORS["accelerator"])
    training: bool = True
    """Whether it stands in training; otherwise in evaluation."""
    passes: int = 0
    """Passes of the kind that are over before it stands."""

    def __call__(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if module.training is not self.training:
            return
        self.passes -= 1
        if self.passes < 0 and len(output) > self.most:
            raise self.error


def behind(wall: Wall, execution: Execution) -> Execution:
    execution.prepared.trainer.parts.model.register_forward_hook(wall)
    return execution


def ran_out(events: list[Event]) -> list[tuple[str, int, int]]:
    return [(event.during, event.before, event.after) for event in events if isinstance(event, MemoryRanOut)]


def numbers(events: list[Event]) -> list[object]:
    return [
        (event.step, repr(event.train_loss), repr(event.val))
        if isinstance(event, EpochFinished)
        else repr(event.scores)
        for event in events
        if isinstance(event, EpochFinished | Evaluated)
    ]


@pytest.mark.parametrize("kind", ERRORS)
def test_the_run_is_the_one_that_began_with_the_smaller_portions(kind: str, dataset: str, runs_dir: Path) -> None:
    portions = start(runs_dir, data__dataset=dataset, training__micro_batch_size=2, **SMALL)
    expected = finish(portions)
    run = behind(Wall(3, ERRORS[kind]), start(runs_dir, data__dataset=dataset, **SMALL))
    events = finish(run)
    assert ran_out(events) == [("training", 8, 4), ("training", 4, 2)]
    assert isinstance(events[-1], RunFinished)
    assert numbers(events) == numbers(expected)
    assert_equal_weights(run.run, portions.run)


@pytest.mark.parametrize("variant", [{}, {"data__storage": "streaming"}, {"augmentation__mixup": 0.4}])
def test_a_later_step_is_done_again_as_if_nothing_had_happened(
    variant: dict[str, Any], dataset: str, runs_dir: Path
) -> None:
    settings = {"data__dataset": dataset, **SMALL, **variant}
    run = behind(Wall(5, passes=5), start(runs_dir, **settings))  # four steps an epoch: the second of the second
    events = finish(run)
    assert [(event.step, event.batch_norm) for event in events if isinstance(event, MemoryRanOut)] == [(5, True)]
    told = start(runs_dir, **settings)
    for event in told.events():
        if isinstance(event, StepLogged) and event.step == 5:
            told.prepared.trainer.batch_sizes.micro = 4
    assert_equal_weights(run.run, told.run)
    assert logged_steps(run.run) == logged_steps(told.run)


MIXED = {"augmentation__mixup": 0.4, "training__label_smoothing": 0.1, "training__class_weights": "balanced"}


@pytest.mark.parametrize("variant", [{}, MIXED, {"training__clip_norm": 0.01}])
def test_the_gradients_of_the_portions_are_that_of_the_batch(
    variant: dict[str, Any], dataset: str, runs_dir: Path
) -> None:
    def losses(**more: Any) -> list[float]:
        run = start(runs_dir, data__dataset=dataset, model__name="simple-cnn-v1", **SMALL, **variant, **more)
        return [event.loss for event in finish(run) if isinstance(event, StepLogged)]

    whole = losses()
    assert len(whole) == 8
    assert losses(training__micro_batch_size=3) == pytest.approx(whole, rel=1e-4)


def test_the_size_of_the_portions_survives_a_stop(dataset: str, runs_dir: Path) -> None:
    settings = {"data__dataset": dataset, **SMALL}
    whole = behind(Wall(5), start(runs_dir, **settings))
    finish(whole)
    stop = Stop()
    stopped = behind(Wall(5), start(runs_dir, stop, **settings))
    for event in stopped.events():
        if isinstance(event, StepLogged) and event.step == 3:
            stop.ask(StopReason("a test", ExitCode.TERMINATED))
    again = behind(Wall(5), take_up(stopped.run))
    assert not ran_out(finish(again))
    assert again.prepared.trainer.batch_sizes.micro == 4
    assert_equal_weights(stopped.run, whole.run)


def test_evaluation_goes_on_in_smaller_batches(dataset: str, runs_dir: Path) -> None:
    small = start(runs_dir, data__dataset=dataset, training__eval_batch_size=3, **SMALL)
    expected = finish(small)
    run = behind(Wall(4, training=False), start(runs_dir, data__dataset=dataset, **SMALL))
    events = finish(run)
    assert ran_out(events) == [("evaluation", 12, 6), ("evaluation", 6, 3)]
    assert numbers(events) == numbers(expected)


@pytest.mark.parametrize(("model", "fewest"), [("simple-cnn", 2), ("simple-cnn-v1", 1)])
def test_it_gives_up_with_the_smallest_portion(model: str, fewest: int, dataset: str, runs_dir: Path) -> None:
    run = behind(Wall(0, passes=6), start(runs_dir, data__dataset=dataset, model__name=model, **SMALL))
    events = finish(run)
    last = events[-1]
    assert isinstance(last, RunFailed)
    assert last.exit_code == ExitCode.OUT_OF_MEMORY
    assert "--batch-size" in last.message
    assert f"{fewest} at once are the fewest" in last.message
    assert ran_out(events)[-1][2] == fewest
    assert len(last.message.splitlines()) == 1
    finish(take_up(run.run))  # what was saved is whole


@pytest.fixture
def torn(dataset: str, runs_dir: Path) -> Callable[[int], Execution]:
    def begin(step: int) -> Execution:
        execution = start(runs_dir, data__dataset=dataset, run__save_every=0.001, **SMALL)
        optimizer = execution.prepared.trainer.parts.optimizer
        steps = iter(range(1, 100))

        def update(*args: Any) -> None:
            if next(steps) == step:
                with torch.no_grad():
                    optimizer.param_groups[0]["params"][0].fill_(7.0)  # one weight is changed, the others are not
                raise ERRORS["accelerator"]

        optimizer.register_step_pre_hook(update)
        return execution

    return begin


def test_a_torn_update_leads_back_to_the_last_checkpoint(torn: Callable[[int], Execution]) -> None:
    execution = torn(6)
    events = finish(execution)
    resumed = next(event for event in events if isinstance(event, RunResumed))
    assert not resumed.exact
    assert "update" in resumed.reason
    assert 0 < resumed.from_step <= 5
    assert ran_out(events) == [("training", 8, 4)]
    assert isinstance(events[-1], RunFinished)
    assert logged_steps(execution.run) == list(range(1, 9))
    assert len([event for event in read_journal(execution.run.journal) if isinstance(event, EpochFinished)]) == 2
    rows = execution.run.metrics.read_text().splitlines()
    assert len(rows) == 3


def test_a_torn_update_before_the_first_checkpoint_fails(torn: Callable[[int], Execution]) -> None:
    last = finish(torn(1))[-1]
    assert isinstance(last, RunFailed)
    assert last.exit_code == ExitCode.OUT_OF_MEMORY


def test_what_is_no_lack_of_memory_fails_at_once(dataset: str, runs_dir: Path) -> None:
    run = behind(
        Wall(0, RuntimeError("mat1 and mat2 shapes cannot be multiplied")), start(runs_dir, data__dataset=dataset)
    )
    events = finish(run)
    assert not ran_out(events)
    assert isinstance(events[-1], RunFailed)
    assert events[-1].exit_code == ExitCode.FAILED


LIMITED = """
import resource, sys
import torch, psutil
import xaitui.jobs.train.start, xaitui.training.build
from xaitui.__main__ import main
torch.rand(64, 64) @ torch.rand(64, 64)
limit = psutil.Process().memory_info().data + (int(sys.argv.pop(1)) << 20)
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
main()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA counts private memory on Linux only")
def test_a_real_limit_is_lived_with(tmp_path: Path) -> None:
    data = made_set(tmp_path / "set.npz", images=1024, side=28)
    words = [
        "train",
        "--json",
        "--data",
        str(data),
        "--batch-size",
        "1024",
        "--epochs",
        "1",
        "--threads",
        "1",
        "--device",
        "cpu",
        "--runs-dir",
        str(tmp_path / "runs"),
    ]
    # A batch of 1,024 images keeps some 600 MiB for its backward pass; see `xaitui.models.estimate`.
    done = subprocess.run([sys.executable, "-c", LIMITED, "400", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    sizes = [(event["before"], event["after"]) for event in events if event["event"] == "MemoryRanOut"]
    assert sizes[0] == (1024, 512)
    assert events[-1]["event"] == "RunFinished"


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
