"""What is said of the memory before a run is what the run then takes of a GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cuda.gpu_runs import DeviceMemory, quiet
from tests.run_commands import finish, made_set
from xaitui.config.resolve import build_config
from xaitui.config.schema import RunConfig
from xaitui.events import RunFinished
from xaitui.jobs.measure import speed
from xaitui.jobs.measure.memory import OF_DEVICE, OF_PROCESS
from xaitui.jobs.preflight import batch_size as largest_batch
from xaitui.jobs.preflight.batch_size import RESERVE
from xaitui.jobs.preflight.preflight import preflight, settle_batch_size
from xaitui.jobs.train.start import begin_run
from xaitui.stop import Stop

pytestmark = pytest.mark.cuda

AVAILABLE = 512 << 20
"""Bytes that a batch is found for."""


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test asks how fast it is, but all ask how much memory: batches double until they are seen in it."""
    monkeypatch.setattr(speed, "SECONDS", 0.2)
    monkeypatch.setattr(largest_batch, "SECONDS", 10.0)


@pytest.fixture(scope="module")
def settings(device: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Small images that are enlarged on the device, so that much is computed of a small file."""
    on_gpu = device.startswith("cuda")
    images = 8192 if on_gpu else 256
    dataset = made_set(tmp_path_factory.mktemp("set") / "set.npz", images=images, side=8, channels=3)
    return {
        "data.dataset": str(dataset),
        "data.image_size": 64 if on_gpu else 0,
        "run.device": device,
        "training.epochs": 1,
        "training.threads": 1,
    }


def train(config: RunConfig, runs_dir: Path) -> None:
    execution = begin_run(config, runs_dir, Stop(), quiet, ["xaitui", "train"])
    assert isinstance(finish(execution)[-1], RunFinished)


def test_the_peak_that_is_said_is_that_of_an_epoch(
    settings: dict[str, Any], device: str, runs_dir: Path, record_property: Any
) -> None:
    config = build_config({**settings, "training.batch_size": 256})
    train(config, runs_dir)  # cuDNN tries its algorithms, once in a process, with more memory than they then take
    said = preflight(config, Stop(), quiet)
    memory = DeviceMemory(device)
    assert said.memory_kind == (OF_DEVICE if memory.is_real else OF_PROCESS)
    assert 0 < said.peak_memory < said.available_memory
    assert (said.computed_at_once, said.largest_is_tried) == (256, memory.is_real or said.largest_is_tried)
    reserved = memory.reserved(lambda: train(config, runs_dir))
    tensors = memory.peak(lambda: train(config, runs_dir))
    record_property("bytes said, held, in tensors", (said.peak_memory, reserved, tensors))
    if memory.is_real:  # a processor tells only what the process took since it began
        assert said.peak_memory == pytest.approx(reserved, rel=0.1)
        assert said.peak_memory >= 0.9 * tensors


def test_a_batch_that_is_found_stays_within_the_memory_and_the_next_one_would_not(
    settings: dict[str, Any], device: str, runs_dir: Path
) -> None:
    memory = DeviceMemory(device)
    available = AVAILABLE if memory.is_real else None
    config = build_config({**settings, "training.batch_size": "auto", "training.deterministic": True})
    found, why = settle_batch_size(config, Stop(), quiet, available)
    size = found.training.batch_size
    assert size & (size - 1) == 0
    assert why is not None
    assert "power of two" in why.reasons["batch_size"]
    larger = found.model_copy(update={"training": found.training.model_copy(update={"batch_size": 2 * size})})
    reserved = memory.reserved(lambda: train(found, runs_dir))
    too_much = memory.reserved(lambda: train(larger, runs_dir))
    if memory.is_real:
        assert reserved <= AVAILABLE
        assert "fits" in why.reasons["batch_size"]
        steps = "has 32 steps" in why.reasons["batch_size"]  # then more would fit, and is not wanted
        assert steps or too_much >= 0.8 * (1 - RESERVE) * AVAILABLE
