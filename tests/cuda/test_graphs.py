"""--compile on a GPU: CUDA graphs and torch.compile compute what the plain model computes, and a run keeps to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.cuda.conftest import REHEARSED
from tests.cuda.gpu_runs import EXACT, NeverDue, losses, quiet, stop_at
from tests.run_commands import assert_equal_weights, finish, made_set, start, take_up
from xaitui.config.resolve import build_config
from xaitui.config.toml import read_resolved
from xaitui.events import Event, RunFinished, RunResumed
from xaitui.hardware.compiler import compiler_problem
from xaitui.jobs.prepare import prepare
from xaitui.stop import Stop
from xaitui.training import compile as compiling
from xaitui.training import resolve
from xaitui.training.compile import GRAPHED, _chosen, _step
from xaitui.training.components import Parts
from xaitui.training.cuda_graph import GraphedForward
from xaitui.training.step import prepared_batch
from xaitui.training.trainer import Trainer

pytestmark = pytest.mark.cuda

IMAGES, BATCH = 30, 8
"""Three whole batches and one of six images, which is not captured."""
CLOSE = {"float32": 1e-4, "bfloat16": 2e-2}
"""Of the norm of a gradient: kernels may sum in another order."""
NEVER = 1e9
"""Seconds of training that a way would need to be tried."""


@pytest.fixture(scope="module")
def settings(device: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    dataset = made_set(tmp_path_factory.mktemp("set") / "set.npz", images=IMAGES, side=16, channels=3)
    return {**EXACT, "data__dataset": str(dataset), "run__device": device}


@pytest.fixture
def _capturing(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a rehearsal nothing is captured, and the wrapped model is called."""
    if REHEARSED:
        monkeypatch.setattr(torch.cuda, "make_graphed_callables", lambda module, inputs: module)
        monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """No run is too short, and nothing too slow."""
    for way in compiling.SHORTEST:
        monkeypatch.setitem(compiling.SHORTEST, way, 0.0)
    monkeypatch.setattr(compiling, "LEAST_GAIN", float("-inf"))
    monkeypatch.setattr(compiling, "LEAST_WON", 0.0)


def parts_of(settings: dict[str, Any], **more: Any) -> Parts:
    values = {name.replace("__", "."): value for name, value in {**settings, **more}.items()}
    return prepare(build_config(values), Stop(), quiet).trainer.parts


@dataclass
class Replays:
    """How many graphs were replayed."""

    count: int = 0


@pytest.fixture
def replays(monkeypatch: pytest.MonkeyPatch) -> Replays:
    found, replay = Replays(), torch.cuda.CUDAGraph.replay

    def counted(graph: torch.cuda.CUDAGraph) -> None:
        found.count += 1
        replay(graph)

    monkeypatch.setattr(torch.cuda.CUDAGraph, "replay", counted)
    return found


def assert_close(found: dict[str, Tensor], expected: dict[str, Tensor], close: float) -> None:
    """Within a part of the largest value of each tensor; what is counted is equal."""
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        if tensor.is_floating_point():
            largest = float(tensor.abs().max())
            torch.testing.assert_close(found[name], tensor, rtol=0, atol=close * max(largest, 1e-3), msg=name)
        else:
            assert torch.equal(found[name], tensor), name


def difference(found: list[Tensor], expected: list[Tensor]) -> float:
    """Of two gradients, as a part of the norm."""
    apart = torch.stack([(one - other).norm() for one, other in zip(found, expected, strict=True)]).norm()
    return float(apart / torch.stack([each.norm() for each in expected]).norm())


def an_epoch(trainer: Trainer, seed: int) -> Iterator[Event]:
    """The steps of the epoch, with the draws of a seed."""
    torch.manual_seed(seed)
    yield from trainer._train(Stop(), NeverDue())


@pytest.mark.usefixtures("_capturing")
@pytest.mark.parametrize("precision", CLOSE)
def test_a_captured_gradient_is_the_plain_one_and_leaves_everything_as_it_was(
    precision: str, settings: dict[str, Any], replays: Replays
) -> None:
    plain = parts_of(settings, training__precision=precision)
    inputs, targets = prepared_batch(plain, 0)
    before = {name: tensor.clone() for name, tensor in plain.model.state_dict().items()}
    states = generators(plain)
    graphed = replace(plain, forward=GraphedForward(plain, inputs))
    assert generators(plain) == states
    assert_close(plain.model.state_dict(), before, 0.0)
    expected, found = (_step(each).gradient(inputs, targets, BATCH) for each in (plain, graphed))
    assert replays.count == (0 if REHEARSED else 2)  # forward and backward
    assert difference(found, expected) <= CLOSE[precision]
    assert generators(plain) == states
    assert_close(plain.model.state_dict(), before, 0.0)


def generators(parts: Parts) -> list[list[int]]:
    device = parts.numerics.device
    states = [torch.get_rng_state(), *([torch.cuda.get_rng_state(device)] if device.type == "cuda" else [])]
    return [state.tolist() for state in states]


@pytest.mark.usefixtures("_capturing")
def test_an_epoch_with_graphs_is_the_plain_one(settings: dict[str, Any], replays: Replays) -> None:
    """Whole batches are replayed, the last one is computed; dropout and batch normalisation go on from step to step."""
    # Adam would make steps of the rounding of gradients that are zero: those of a bias before batch normalisation.
    plain, other = (parts_of(settings, optimizer__name="sgd") for _ in range(2))
    assert any(isinstance(module, nn.Dropout) for module in plain.model.modules())
    graphed = replace(other, forward=GraphedForward(other, prepared_batch(other, 0)[0]))
    expected, found = Trainer(plain), Trainer(graphed)
    of_plain, after = list(an_epoch(expected, 3)), generators(plain)
    replays.count = 0
    of_graphed = list(an_epoch(found, 3))
    assert replays.count == (0 if REHEARSED else 2 * (IMAGES // BATCH))
    assert found.at.step == expected.at.step == 4
    assert losses(of_graphed) == pytest.approx(losses(of_plain), rel=1e-3)
    assert generators(graphed) == after, "as many numbers were drawn"
    assert_close(other.model.state_dict(), plain.model.state_dict(), 1e-3)


@pytest.mark.usefixtures("_capturing")
def test_evaluation_and_other_shapes_are_not_replayed(settings: dict[str, Any], replays: Replays) -> None:
    parts = parts_of(settings)
    inputs, _ = prepared_batch(parts, 0)
    forward = GraphedForward(parts, inputs)
    replays.count = 0
    with torch.no_grad():
        torch.testing.assert_close(forward(inputs[:3]).shape, torch.Size([3, 2]))
        parts.model.eval()
        torch.testing.assert_close(forward(inputs), parts.model(inputs))
    assert replays.count == 0


def chosen_ways(settings: dict[str, Any], runs_dir: Path) -> dict[str, Any]:
    """What is resolved for a run that asks for --compile, which then is stopped, goes on, and ends as a whole one."""
    asked = {**settings, "training__compile": True, "run__save_every": 0.01}
    whole = start(runs_dir, **asked)
    assert isinstance(finish(whole)[-1], RunFinished)
    cut = start(runs_dir, **asked)
    stop_at(cut, 5)
    resolved = read_resolved(cut.run.config)
    assert {name: value for name, value in resolved.items() if name != "reasons"} == {
        name: value for name, value in read_resolved(whole.run.config).items() if name != "reasons"
    }
    events = finish(take_up(cut.run))
    assert [event.exact for event in events if isinstance(event, RunResumed)] == [True]
    assert_equal_weights(cut.run, whole.run)
    return resolved


@pytest.mark.usefixtures("always", "gpu")
def test_a_run_with_graphs_goes_on_exactly(
    settings: dict[str, Any], runs_dir: Path, monkeypatch: pytest.MonkeyPatch, replays: Replays
) -> None:
    monkeypatch.setattr(resolve, "compiler_problem", lambda device: None)  # graphs need no compiler
    monkeypatch.setitem(compiling.SHORTEST, "compile", NEVER)
    resolved = chosen_ways(settings, runs_dir)
    assert (resolved["compile"], resolved["cuda_graph"]) == (False, True), resolved["reasons"]
    assert "captured in CUDA graphs: forward and backward take" in resolved["reasons"]["compile"]
    assert replays.count > 0


def test_portions_of_a_batch_are_not_captured(settings: dict[str, Any]) -> None:
    """The gradient of one would be written over that of the one before."""
    parts = parts_of(settings, training__micro_batch_size=4)
    made, choice, _ = _chosen(GRAPHED, parts, Stop(), quiet)
    assert made is parts
    assert not choice.chosen
    assert choice.reason == "not captured in CUDA graphs: the images of a step are computed in portions"


@pytest.mark.usefixtures("always")
def test_a_compiled_run_computes_the_plain_gradient_and_goes_on_exactly(
    settings: dict[str, Any], device: str, runs_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if problem := compiler_problem(torch.device(device).type):
        pytest.skip(problem.text)
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "inductor"))
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path / "triton"))
    monkeypatch.setitem(compiling.SHORTEST, "cuda_graph", NEVER)
    # A network without dropout, of which a compiler makes draws of its own.
    asked = {**settings, "training__compile": True, "model__name": "simple-cnn-v1"}
    execution = start(runs_dir, **asked)
    parts = execution.prepared.trainer.parts
    assert execution.prepared.resolved.compile, execution.prepared.resolved.reasons
    assert parts.forward is not parts.model
    for number, count in ((0, BATCH), (-1, IMAGES % BATCH)):
        inputs, targets = prepared_batch(parts, number)
        plain, compiled = (
            _step(each).gradient(inputs, targets, BATCH) for each in (replace(parts, forward=parts.model), parts)
        )
        assert len(inputs) == count
        assert difference(compiled, plain) <= 1e-3
    assert isinstance(finish(execution)[-1], RunFinished)
    cut = start(runs_dir, **asked)
    stop_at(cut, 5)
    events = finish(take_up(cut.run))
    assert [event.exact for event in events if isinstance(event, RunResumed)] == [True]
    assert_equal_weights(cut.run, execution.run)
