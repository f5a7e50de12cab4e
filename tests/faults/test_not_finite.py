"""What ends a training in a step names the step and its images, keeps what was good, and can be gone on from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.faults.not_finite import FAULTS, STEPS, begin, check_goes_on, disturb, infinite_gradient, one_round
from tests.run_commands import finish, take_up
from xaitui.events import BadStep, Event, RunFailed
from xaitui.runs.journal.describe import describe
from xaitui.stop import Stop
from xaitui.training.trainer import Trainer


@pytest.mark.parametrize("kind", FAULTS)
def test_a_run_goes_on_exactly_from_before_the_step_that_went_wrong(kind: str, tmp_path: Path) -> None:
    """In the first epoch, of which nothing is saved; in the middle of the second; in the last step of all."""
    assert len(FAULTS) == 6
    execution = begin(tmp_path)
    for step in (3, 6, STEPS):
        disturb(execution, kind, step)
        execution = take_up(execution.run)
    check_goes_on(execution)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_run_goes_on_exactly_after_random_faults(seed: int, tmp_path: Path) -> None:
    one_round(seed, tmp_path)


def test_a_rate_that_is_too_high_fails_at_the_same_step_again_and_says_so(tmp_path: Path) -> None:
    execution = begin(tmp_path, optimizer__name="sgd", optimizer__lr=1000.0)
    first = finish(execution)
    again = finish(take_up(execution.run))
    for events in (first, again):
        bad, failed = events[-2], events[-1]
        assert isinstance(bad, BadStep)
        assert isinstance(failed, RunFailed)
        assert failed.exit_code == 5
        assert "resuming it does the same again: train with a lower --lr" in failed.message
    assert (first[-2], first[-1]) == (replace(again[-2], time=first[-2].time), replace(again[-1], time=first[-1].time))


class Nothing:
    """Saves nothing."""

    def due(self, *, epoch_end: bool) -> bool:
        return False

    def save(self, trainer: Trainer) -> Event:
        raise AssertionError("nothing is due")


def test_updates_that_the_scaling_of_float16_skips_are_no_divergence(tmp_path: Path) -> None:
    parts = begin(tmp_path).prepared.trainer.parts
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    trainer = Trainer(replace(parts, scaler=scaler))
    events: Iterator[Event] = trainer.fit(Stop(), Nothing())
    next(events)
    before = {name: tensor.clone() for name, tensor in parts.model.state_dict().items()}
    infinite_gradient(trainer)
    assert not [event for event in events if isinstance(event, BadStep)]
    assert scaler.get_scale() == 2.0**10 / 2**STEPS
    parameters = dict(parts.model.named_parameters())
    assert all(torch.equal(parameter, before[name]) for name, parameter in parameters.items())


@pytest.mark.parametrize(
    ("count", "end"), [(3, "images of the training split: 0, 1, 2"), (20, "12, 13, 14, 15 and 4 more")]
)
def test_a_bad_step_is_described_by_its_images(count: int, end: str) -> None:
    event = BadStep(epoch=2, step=7, what="loss", images=" ".join(map(str, range(count))))
    lines = describe(event, 3)
    said = " ".join(line.strip() for line in lines)
    assert said.startswith("batch  of step 7 (epoch 2) gave a loss that is not finite")
    assert said.endswith(end)
    assert all(len(line) < 80 for line in lines)
