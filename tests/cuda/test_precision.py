"""What a GPU computes in: half precisions with and without a scale of the loss, TF32, and what forbids it."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.cuda.conftest import REHEARSED
from tests.cuda.gpu_runs import EXACT, SMALL, quiet, stop_at
from tests.run_commands import assert_equal_weights, finish, made_set, start, take_up
from xaitui.config.resolve import build_config
from xaitui.config.toml import read_resolved
from xaitui.events import RunFinished, RunResumed
from xaitui.jobs.measure import speed
from xaitui.jobs.prepare import prepare
from xaitui.jobs.train.execution import Execution
from xaitui.stop import Stop
from xaitui.system.fault_points import Point, injected
from xaitui.training import resolve
from xaitui.training.checkpoint import load_checkpoint
from xaitui.training.numerics import allow_tf32
from xaitui.training.trainer import Trainer

pytestmark = pytest.mark.cuda

HALVES = {"float16": torch.float16, "bfloat16": torch.bfloat16}
SIDE = 1024


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if REHEARSED:  # a processor computes in float16 too, slowly; xaitui refuses it there
        monkeypatch.setattr(resolve, "check_precision", lambda precision, device: None)
    return str(made_set(tmp_path / "set.npz", channels=3))


def overflowing(trainer: Trainer, step: int) -> Callable[[Point, str], None]:
    """Make one gradient of one step infinite, as a scale does that is too large."""

    def hook(point: Point, what: str) -> None:
        if point is Point.STEP_BEGUN and trainer.at.step == step - 1:
            weight = next(trainer.parts.model.parameters())
            weight.register_hook(overflow)  # type: ignore[no-untyped-call]

    def overflow(gradient: Tensor) -> Tensor | None:
        return gradient * math.inf if trainer.at.step == step - 1 else None

    return hook


def with_overflow(execution: Execution, stop: int = 0) -> Execution:
    """Carry a run out with a gradient that overflows in its third step, up to some step or to its end."""
    with injected(overflowing(execution.prepared.trainer, 3)):
        if stop:
            stop_at(execution, stop)
        else:
            assert isinstance(finish(execution)[-1], RunFinished)
    return execution


def test_float16_keeps_its_scale_in_the_checkpoint_and_goes_on_exactly(
    device: str, dataset: str, runs_dir: Path
) -> None:
    settings = {**EXACT, "data__dataset": dataset, "run__device": device, "training__precision": "float16"}
    whole = with_overflow(start(runs_dir, **settings))
    cut = with_overflow(start(runs_dir, **settings), stop=5)
    scale = load_checkpoint(cut.run.last)["scaler"]["scale"]
    assert 1 <= scale <= 2.0**15, "the overflow halved it"
    again = take_up(cut.run)
    events = finish(again)
    assert [event.exact for event in events if isinstance(event, RunResumed)] == [True]
    assert load_checkpoint(cut.run.last)["scaler"] == load_checkpoint(whole.run.last)["scaler"]
    assert_equal_weights(cut.run, whole.run)
    assert again.prepared.trainer.parts.numerics.dtype is torch.float16


@pytest.mark.parametrize("clip", [0.0, 0.5])
@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop", "muon"])
def test_float16_trains_with_each_kind_of_optimizer(
    optimizer: str, clip: float, device: str, dataset: str, runs_dir: Path
) -> None:
    """Fused ones skip a step on the device, others on the host; muon has a part of each."""
    execution = with_overflow(
        start(
            runs_dir,
            data__dataset=dataset,
            run__device=device,
            training__precision="float16",
            training__clip_norm=clip,
            optimizer__name=optimizer,
            **SMALL,
        )
    )
    weights = list(execution.prepared.trainer.parts.model.parameters())
    assert all(weight.isfinite().all() for weight in weights)
    assert {weight.dtype for weight in weights} == {torch.float32}
    assert load_checkpoint(execution.run.last)["scaler"]["scale"] <= 2.0**15


@pytest.mark.parametrize("precision", HALVES)
def test_layers_compute_in_half_precision(precision: str, device: str, dataset: str, runs_dir: Path) -> None:
    execution = start(runs_dir, data__dataset=dataset, run__device=device, training__precision=precision, **SMALL)
    seen: set[torch.dtype] = set()

    def keep(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if module.training:  # maps of what it looks at are computed in float32
            seen.add(output.dtype)

    for layer in execution.prepared.trainer.parts.model.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(keep)
    assert isinstance(finish(execution)[-1], RunFinished)
    assert seen == {HALVES[precision]}


def test_bfloat16_goes_on_exactly(device: str, dataset: str, runs_dir: Path) -> None:
    settings = {**EXACT, "data__dataset": dataset, "run__device": device, "training__precision": "bfloat16"}
    whole = start(runs_dir, **settings)
    finish(whole)
    cut = start(runs_dir, **settings)
    stop_at(cut, 5)
    finish(take_up(cut.run))
    assert_equal_weights(cut.run, whole.run)


def test_the_fastest_precision_is_found_by_training_in_each(
    device: str, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed, "SECONDS", 0.1)
    config = build_config({"data.dataset": dataset, "run.device": device, "training.precision": "auto"})
    resolved = prepare(config, Stop(), quiet).resolved
    tried = ("float32", "bfloat16", "float16") if device.startswith("cuda") else ("float32", "bfloat16")
    assert resolved.precision in tried
    assert all(f"{name} " in resolved.reasons["precision"] for name in tried)


def product_error(*, allowed: bool, device: torch.device) -> float:
    """How far a product of float32 matrices is from that of doubles, as a part of its norm."""
    allow_tf32(allowed=allowed)
    one, other = (torch.randn(SIDE, SIDE, device=device) for _ in range(2))
    exact = one.double() @ other.double()
    return float(((one @ other).double() - exact).norm() / exact.norm())


def convolution_error(*, allowed: bool, device: torch.device) -> float:
    """The same of a convolution."""
    allow_tf32(allowed=allowed)
    images, weight = torch.randn(8, 64, 32, 32, device=device), torch.randn(64, 64, 3, 3, device=device)
    exact = F.conv2d(images.double(), weight.double(), padding=1)
    return float((F.conv2d(images, weight, padding=1).double() - exact).norm() / exact.norm())


def test_tf32_rounds_otherwise_than_float32(gpu: torch.device) -> None:
    if torch.cuda.get_device_capability(gpu) < (8, 0):
        pytest.skip("this GPU has no TF32")
    torch.manual_seed(0)
    for error in (product_error, convolution_error):  # float32 has 24 bits, TF32 has 11
        assert error(allowed=False, device=gpu) < 1e-5
        assert error(allowed=True, device=gpu) < 2e-3
    assert product_error(allowed=True, device=gpu) > 20 * product_error(allowed=False, device=gpu)


@pytest.mark.parametrize("deterministic", [True, False])
def test_what_is_deterministic_has_no_tf32(deterministic: bool, device: str, dataset: str, runs_dir: Path) -> None:
    execution = start(runs_dir, data__dataset=dataset, run__device=device, training__deterministic=deterministic)
    allowed = device.startswith("cuda") and not deterministic
    assert read_resolved(execution.run.config)["tf32"] is allowed
    assert torch.backends.cuda.matmul.allow_tf32 is allowed
    assert torch.backends.cudnn.allow_tf32 is allowed
    assert torch.backends.cudnn.benchmark is not deterministic
    assert torch.are_deterministic_algorithms_enabled() is deterministic
