"""Estimates before training: model size, operations, and memory of a training step.

The network is built without storage (torch's meta device), so that even a large one costs no memory and little time,
and no number is drawn from torch's generator: a run that trains in the same process is not disturbed. Only an own
model is built as it would be for a run, for its code may look at its numbers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from xaitui.catalog.models import is_own_model
from xaitui.config.schema import OptimizerConfig, RunConfig
from xaitui.models.build import BuiltModel, build_model
from xaitui.models.summary import ModelSummary, summarize

_SLOTS: dict[str, int] = {
    "sgd": 0,
    "sgd-nesterov": 0,
    "adam": 2,
    "adamw": 2,
    "nadam": 2,
    "radam": 2,
    "rmsprop": 1,
    "adagrad": 1,
    "adadelta": 2,
    "adamax": 2,
    "muon": 1,
}
"""Values that an optimizer keeps per trained parameter, besides optional momentum."""

_WITH_MOMENTUM = ("sgd", "sgd-nesterov", "rmsprop")
"""Optimizers that keep one more value if momentum is on."""


@dataclass(frozen=True)
class Memory:
    """Bytes held by training, not counting the libraries' own memory."""

    weights: int
    """Parameters and buffers, twice with averaged weights, and with the copies used in half precision."""
    gradients: int
    optimizer: int
    """State of the optimizer."""
    activations: int
    """Activations kept for the backward pass of a batch."""

    @property
    def total(self) -> int:
        """Sum of all."""
        return self.weights + self.gradients + self.optimizer + self.activations


@dataclass(frozen=True)
class ModelEstimate:
    """Estimate for a model."""

    summary: ModelSummary
    frozen: str
    """Description of the frozen layers."""
    memory: Memory
    notes: tuple[str, ...]
    """Notes of building the model, such as the stem and why."""


def estimate(config: RunConfig, *, classes: int, channels: int, image_size: int) -> ModelEstimate:
    """Build the model of a configuration, and measure it.

    Weights are not read. An own model's code runs: only for a path that the user has asked to build.

    Args:
        classes: how many are told apart.
        channels: of an image.
        image_size: side in pixels that the model sees.

    Raises:
        UsageError: an unknown name or choice, or images that the model cannot take.
    """
    model = config.model
    with contextlib.nullcontext() if is_own_model(model.name) else torch.device("meta"):
        built = build_model(
            model.name,
            num_classes=classes,
            in_channels=channels,
            image_size=image_size,
            load=False,
            batch_norm=model.batch_norm,
            dropout=model.dropout,
            activation=model.activation,
            stem=model.stem,
            pretrained=model.pretrained,
            weights=model.weights,
            finetune=model.finetune,
        )
    return estimate_built(built, config, channels=channels, image_size=image_size)


def estimate_built(built: BuiltModel, config: RunConfig, *, channels: int, image_size: int) -> ModelEstimate:
    """Measure a model; this may change the statistics of batch normalisation."""
    module = built.module
    summary = summarize(module, channels, image_size)
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    weights = _bytes(module.parameters()) + _bytes(module.buffers())
    batch_size, half = config.training.assumed_batch_size, config.training.precision in ("bfloat16", "float16")
    memory = Memory(
        weights=weights * (2 if config.training.ema_decay else 1) + (_bytes(module.parameters()) // 2 if half else 0),
        gradients=_bytes(trained),
        optimizer=round(_bytes(trained) * optimizer_slots(config.optimizer)),
        activations=activation_bytes(module, channels, image_size, batch_size) // (2 if half else 1),
    )
    return ModelEstimate(summary, _frozen(config.model.finetune, built.classifier), memory, built.notes)


def optimizer_slots(optimizer: OptimizerConfig) -> int:
    """Return the values an optimizer keeps per trained parameter; for muon, per hidden weight."""
    return _SLOTS[optimizer.name] + (optimizer.name in _WITH_MOMENTUM and optimizer.momentum > 0)


def activation_bytes(module: nn.Module, channels: int, image_size: int, batch_size: int) -> int:
    """Return the bytes that the forward pass of a batch keeps for the backward pass.

    They are counted for two and for four images: beside what belongs to an image, some belongs to the pass.
    """
    two, four = (_saved_bytes(module, (count, channels, image_size, image_size)) for count in (2, 4))
    image = (four - two) / 2
    return round(two + image * (batch_size - 2))


def _saved_bytes(module: nn.Module, shape: tuple[int, int, int, int]) -> int:
    """Return the bytes of the tensors that autograd saves in a training pass, without weights, each storage once."""
    known = {_storage(tensor) for tensor in (*module.parameters(), *module.buffers())}
    saved: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        if _storage(tensor) not in known:
            saved[_storage(tensor)] = tensor  # kept alive, so that no later storage reuses the address
        return tensor

    parameter = next(module.parameters(), torch.empty(0))
    training = module.training
    try:
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), torch.enable_grad():
            module.train()(torch.zeros(shape, device=parameter.device))
    finally:
        module.train(training)
    return sum(tensor.untyped_storage().nbytes() for tensor in saved.values())


def _storage(tensor: Tensor) -> int:
    """Return a key that identifies a storage, also without memory."""
    place: int = tensor.untyped_storage()._cdata
    return place


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _frozen(finetune: str, classifier: tuple[str, ...]) -> str:
    trained = {"full": (), "head": classifier, "linear-probe": classifier[-1:]}[finetune]
    return f"all but {', '.join(trained)}" if trained else "nothing"
