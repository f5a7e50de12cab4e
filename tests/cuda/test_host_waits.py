"""Between two lines of the journal no step waits for the GPU; `tests/unit/training/test_host_waits.py` is the same
without one, by the calls that would wait.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.cuda.conftest import REHEARSED
from tests.cuda.gpu_runs import NeverDue, quiet
from tests.run_commands import made_set
from tests.unit.training.test_host_waits import BATCH, IMAGES, SETTINGS
from xaitui.config.resolve import build_config
from xaitui.data.device.streaming import StreamingStore
from xaitui.events import Event, Note, StepLogged
from xaitui.jobs.prepare import prepare
from xaitui.stop import Stop
from xaitui.training import build as setup
from xaitui.training import resolve
from xaitui.training.trainer import Trainer

pytestmark = pytest.mark.cuda

MORE: dict[str, dict[str, Any]] = {
    "bfloat16": {"training.precision": "bfloat16"},
    "float16, clipped": {"training.precision": "float16", "training.clip_norm": 1.0},
    "float16": {"training.precision": "float16"},
    "streamed": {"data.storage": "streaming"},
    "deterministic": {"training.deterministic": True},
    "without batch normalisation": {"model.name": "simple-cnn-v1", "optimizer.name": "sgd"},
}
ALL = {**SETTINGS, **MORE}


class WithoutLines(Trainer):
    """Reads nothing at a log point: there the host may wait."""

    def _log(self) -> Event:
        return Note(message="a line")


@contextmanager
def never_waiting(device: str) -> Iterator[None]:
    """Have torch raise an error where it would wait for the GPU."""
    if not device.startswith("cuda"):
        yield
        return
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_set(tmp_path_factory.mktemp("images") / "set.npz", images=IMAGES, side=16, channels=3)


@pytest.mark.parametrize("name", ALL)
def test_no_step_waits_for_the_gpu(name: str, device: str, images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if REHEARSED:
        monkeypatch.setattr(resolve, "check_precision", lambda precision, device: None)
    if name == "streamed":
        monkeypatch.setattr(setup, "open_store", StreamingStore)
    settings = {"data.dataset": str(images), "run.device": device, "training.batch_size": BATCH, "training.threads": 1}
    trainer = WithoutLines(prepare(build_config({**settings, **ALL[name]}), Stop(), quiet).trainer.parts)
    events: Iterator[Event] = trainer._train(Stop(), NeverDue())
    for _ in range(2):  # the first steps make what the others use
        next(events)
    with never_waiting(device):
        list(events)
    assert trainer.at.step == IMAGES // BATCH
    line = Trainer._log(trainer)
    assert isinstance(line, StepLogged)
    assert math.isfinite(line.loss)


def test_torch_says_where_it_waits(gpu: torch.device) -> None:
    with never_waiting(str(gpu)), pytest.raises(RuntimeError, match="synchroniz"):
        torch.ones(3, device=gpu).sum().item()
