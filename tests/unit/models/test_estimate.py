from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from xaitui.catalog.optimizers import OPTIMIZERS
from xaitui.config.resolve import build_config
from xaitui.errors import UsageError
from xaitui.models.build import build_model
from xaitui.models.estimate import ModelEstimate, activation_bytes, estimate
from xaitui.training.optim import build_optimizer


def estimated(size: int = 28, channels: int = 3, **settings: Any) -> ModelEstimate:
    config = build_config({path.replace("__", "."): value for path, value in settings.items()})
    return estimate(config, classes=10, channels=channels, image_size=size)


def saved_bytes(module: torch.nn.Module, batch: int, size: int) -> int:
    """What a real forward pass on the processor holds, counted by addresses."""
    weights = {tensor.data_ptr() for tensor in (*module.parameters(), *module.buffers())}
    held: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        if tensor.data_ptr() not in weights:
            held[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = module.train()(torch.zeros(batch, 3, size, size))
    assert output.requires_grad
    return sum(tensor.untyped_storage().nbytes() for tensor in held.values())


@pytest.mark.parametrize(
    ("name", "size"), [("simple-cnn", 28), ("simple-cnn-v1", 28), ("resnet18", 28), ("alexnet", 64)]
)
def test_activations_are_those_that_a_real_batch_keeps(name: str, size: int) -> None:
    found = estimated(size, model__name=name, training__batch_size=8)
    real = build_model(name, num_classes=10, in_channels=3, image_size=size).module
    measured = saved_bytes(real, 8, size)
    assert found.memory.activations == pytest.approx(measured, rel=0.02)
    assert activation_bytes(real, 3, size, 8) == pytest.approx(measured, rel=0.02)


def test_activations_grow_with_the_batch() -> None:
    two, eight = (estimated(model__name="resnet18", training__batch_size=count).memory.activations for count in (2, 8))
    assert eight == pytest.approx(4 * two, rel=0.02)


def test_the_rest_is_counted_exactly() -> None:
    found = estimated(model__name="resnet18")
    real = build_model("resnet18", num_classes=10, in_channels=3, image_size=28).module
    numbers = [*real.parameters(), *real.buffers()]
    assert found.memory.weights == sum(tensor.numel() * tensor.element_size() for tensor in numbers)
    assert found.summary.parameters == found.summary.trainable == sum(p.numel() for p in real.parameters())
    assert found.memory.gradients == 4 * found.summary.trainable
    assert found.memory.total == sum(vars(found.memory).values())
    assert found.notes[0].startswith("small stem")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_what_an_optimizer_keeps_is_what_it_really_keeps(name: str) -> None:
    found = estimated(model__name="simple-cnn", optimizer__name=name)
    module = build_model("simple-cnn", num_classes=10, in_channels=3, image_size=28).module
    optimizer = build_optimizer(module, name, {}, fused=None)
    for parameter in module.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    parts = [getattr(optimizer, part) for part in ("_muon", "_adamw") if hasattr(optimizer, part)] or [optimizer]
    kept = [value for part in parts for state in part.state.values() for value in state.values()]
    real = sum(value.nbytes for value in kept if isinstance(value, Tensor) and value.dim())
    assert found.memory.optimizer == pytest.approx(real, rel=0.05)
    assert len(OPTIMIZERS) >= 10


def test_momentum_that_is_off_is_not_kept() -> None:
    assert estimated(optimizer__name="sgd", optimizer__momentum=0.0).memory.optimizer == 0
    rmsprop = estimated(optimizer__name="rmsprop").memory
    assert estimated(optimizer__name="rmsprop", optimizer__momentum=0.9).memory.optimizer == 2 * rmsprop.optimizer


def test_what_is_frozen_is_said_and_costs_less() -> None:
    full, probe = (estimated(model__name="resnet18", model__finetune=kind) for kind in ("full", "linear-probe"))
    assert (full.frozen, probe.frozen) == ("nothing", "all but fc")
    assert probe.summary.trainable == 512 * 10 + 10
    assert probe.memory.gradients == 4 * probe.summary.trainable
    assert probe.memory.activations < full.memory.activations / 100


def test_averaged_weights_and_half_precision_count() -> None:
    plain = estimated().memory
    assert estimated(training__ema_decay=0.999).memory.weights == 2 * plain.weights
    half = estimated(training__precision="bfloat16").memory
    assert half.activations == plain.activations // 2
    assert half.weights > plain.weights


def test_a_run_in_the_same_process_is_not_disturbed() -> None:
    before = torch.get_rng_state()
    estimated(64, model__name="resnet18", model__pretrained=True)
    estimated(64, model__name="pretrainedmodels:resnet18")
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.zeros(1).device.type == "cpu"


def test_pretrained_weights_are_not_read() -> None:
    found = estimated(224, channels=1, model__name="resnet18", model__pretrained=True)
    assert any(note.startswith("first layer") for note in found.notes)
    assert found.summary.multiply_adds > 1e9


def test_images_that_are_too_small_are_refused() -> None:
    with pytest.raises(UsageError, match="alexnet needs images of at least 63 px"):
        estimated(28, model__name="alexnet")


def test_what_is_to_be_found_is_estimated_as_the_default() -> None:
    found = estimated(training__batch_size="auto", training__precision="auto")
    assert found.memory == estimated().memory != estimated(training__batch_size=64).memory
