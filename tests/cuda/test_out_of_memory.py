"""A GPU whose memory runs out for real: no more can be had than a measured peak allows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.cuda.gpu_runs import DeviceMemory, losses
from tests.run_commands import finish, made_set, start, weights
from tests.unit.jobs.train.test_out_of_memory import Wall, behind, ran_out
from xaitui.events import Event, RunFinished
from xaitui.jobs.train.execution import Execution
from xaitui.training.evaluate import Predictions

pytestmark = pytest.mark.cuda


@dataclass
class Small:
    """Runs without batch normalisation and dropout, whose activations take nearly all of the memory."""

    device: str
    folder: Path
    batch: int

    def begin(self, **more: Any) -> Execution:
        """Two steps of a whole batch each, ready for the first one."""
        settings: dict[str, Any] = {
            "data__dataset": str(self.folder / "set.npz"),
            "run__device": self.device,
            "model__name": "simple-cnn-v1",
            "training__batch_size": self.batch,
            "training__eval_batch_size": 64,
            "training__epochs": 1,
            "training__threads": 1,
            "training__deterministic": True,
        }
        return start(self.folder / "runs", **{**settings, **more})


@pytest.fixture(scope="module")
def small(device: str, tmp_path_factory: pytest.TempPathFactory) -> Small:
    folder, batch = tmp_path_factory.mktemp("memory"), 2048 if device.startswith("cuda") else 32
    made_set(folder / "set.npz", images=2 * batch, side=32, channels=3)
    return Small(device, folder, batch)


@pytest.fixture
def memory(device: str) -> DeviceMemory:
    return DeviceMemory(device)


def between(half: int, whole: int) -> int:
    """Bytes with which half of a batch fits and a whole one does not."""
    assert whole == 0 or whole > 1.5 * half > 0, "the activations do not take most of the memory"
    return (half + whole) // 2


def test_training_goes_on_in_halves_and_the_losses_stay_the_same(small: Small, memory: DeviceMemory) -> None:
    found: list[list[Event]] = []

    def train(**more: Any) -> None:
        found.append(finish(small.begin(**more)))

    whole = memory.peak(train)
    half = memory.peak(lambda: train(training__micro_batch_size=small.batch // 2))
    with memory.limited(between(half, whole)):
        execution = small.begin()
        events = finish(execution if memory.is_real else behind(Wall(small.batch // 2), execution))
    assert not ran_out(found[0])
    assert ran_out(events) == [("training", small.batch, small.batch // 2)]
    assert isinstance(events[-1], RunFinished)
    assert len(losses(events)) == 2
    assert losses(events) == pytest.approx(losses(found[0]), rel=1e-3)
    assert all(tensor.isfinite().all() for tensor in weights(execution.run).values())
    assert execution.prepared.trainer.batch_sizes.micro == small.batch // 2


def predicted(execution: Execution) -> tuple[list[Event], Predictions]:
    """What is said of the training split, and the events meanwhile."""
    events: list[Event] = []
    work = execution.prepared.trainer.predict(execution.prepared.trainer.parts.train)
    while True:
        try:
            events.append(next(work))
        except StopIteration as end:
            predictions: Predictions = end.value
            return events, predictions


def test_evaluation_goes_on_in_halves_and_says_the_same(small: Small, memory: DeviceMemory) -> None:
    images, found = 2 * small.batch, dict[int, Predictions]()

    def evaluate(size: int) -> None:
        found[size] = predicted(small.begin(training__eval_batch_size=size))[1]

    whole, half = (memory.peak(lambda size=size: evaluate(size)) for size in (images, small.batch))  # type: ignore[misc]
    with memory.limited(between(half, whole)):
        execution = small.begin(training__eval_batch_size=images)
        wall = Wall(small.batch, training=False)
        events, now = predicted(execution if memory.is_real else behind(wall, execution))
    assert ran_out(events) == [("evaluation", images, small.batch)]
    np.testing.assert_allclose(now.probabilities, found[images].probabilities, atol=1e-4)
    assert now.loss == pytest.approx(found[images].loss, rel=1e-4)


def test_where_the_smallest_portion_does_not_fit_it_ends_with_4_and_the_process_trains_on(
    small: Small, memory: DeviceMemory, gpu: torch.device
) -> None:
    execution = small.begin()
    with memory.limited(torch.cuda.memory_allocated(gpu) + (1 << 20)):
        events = finish(execution)
    failed = events[-1]
    assert getattr(failed, "exit_code", 0) == 4, failed
    assert ran_out(events)[-1][2] == 1
    assert isinstance(finish(small.begin())[-1], RunFinished)
