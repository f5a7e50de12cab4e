"""From a configuration to a trainer that is ready for its first step; nothing is written yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from xaitui.config.schema import RunConfig
from xaitui.config.units import format_size
from xaitui.data.dataset import Dataset
from xaitui.data.disk import Report
from xaitui.data.open import open_dataset
from xaitui.models.build import BuiltModel, build_model
from xaitui.stop import Stop
from xaitui.training.device import ChosenDevice, choose_device, unsupported_capability
from xaitui.training.resolve import Resolved, adapted, differences, resolve_machine
from xaitui.training.setup import build_parts, image_side, normalisation, seed_weights
from xaitui.training.trainer import Trainer

Say = Callable[[str], None]

LARGE = 1 << 30
"""Bytes from which on the reading of a file is told."""

MEMORY_SHARE = 0.5
"""The part of the free memory of device and host that a resident set may take."""


@dataclass(frozen=True)
class Prepared:
    """Everything that a run needs."""

    config: RunConfig
    dataset: Dataset
    built: BuiltModel
    resolved: Resolved
    trainer: Trainer
    notes: tuple[str, ...]
    """What a user must be told: the device and why, splits that were cut, the stem that was chosen."""
    inexact: tuple[str, ...]
    """Why a resumed run cannot go on exactly here."""


def prepare(
    config: RunConfig, stop: Stop, say: Say, *, resolved: Resolved | None = None, model_source: Path | None = None
) -> Prepared:
    """Choose the device, open the data, build model and trainer.

    Args:
        say: told while the call waits for a GPU, or for a large file to be read.
        resolved: what the machine chose when the run was made, where one is resumed.
        model_source: a file to take a user's own model from, instead of the path in the configuration.

    Raises:
        XaituiError: of the kind of what is wrong.
    """
    chosen = choose_device(_wanted(config, resolved), wait_for=config.run.wait_gpu, stop=stop, say=say)
    if chosen.device.type == "cuda" and (reason := unsupported_capability(chosen.device.index or 0)):
        chosen = ChosenDevice(torch.device("cpu"), "processor", reason)
    dataset = open_data(config, chosen.device, say)
    built = _build(config, dataset, model_source, load=resolved is None)
    inexact = tuple(differences(resolved, chosen)) if resolved else ()
    choices = resolve_machine(config, chosen, len(dataset.train)) if resolved is None else resolved
    if inexact:
        choices = adapted(choices, chosen)
    normalised = (built.mean, built.std) if built.mean else ((0.5,) * dataset.info.channels,) * 2
    parts = build_parts(config, dataset, built.module, normalised, choices, chosen.device)
    notes = (f"{chosen.device}: {chosen.reason}", *dataset.notes, *built.notes)
    return Prepared(config, dataset, built, choices, Trainer(parts), notes, inexact)


def _build(config: RunConfig, dataset: Dataset, source: Path | None, *, load: bool) -> BuiltModel:
    """Build the model; `load` reads pretrained weights, which a resumed run has in its checkpoint."""
    model, (mean, std) = config.model, normalisation(config, dataset)
    seed_weights(config)
    return build_model(
        model.name, num_classes=len(dataset.info.classes), in_channels=dataset.info.channels,
        image_size=image_side(config, dataset), batch_norm=model.batch_norm, dropout=model.dropout,
        activation=model.activation, stem=model.stem, pretrained=model.pretrained, weights=model.weights,
        finetune=model.finetune, mean=mean, std=std, source=source, load=load,
    )  # fmt: skip


def _wanted(config: RunConfig, resolved: Resolved | None) -> str:
    """A resumed run goes back to its class of device, whatever would be chosen today, if it is here."""
    if resolved is None or config.run.device != "auto":
        return config.run.device
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return resolved.device if available[resolved.device] else "auto"


def open_data(config: RunConfig, device: torch.device, say: Say) -> Dataset:
    """Open the data set of a configuration; what does not fit beside a model stays on disk."""
    data = config.data
    limit = {"resident": 1 << 62, "streaming": 0, "auto": resident_limit(device)}[data.storage]
    return open_dataset(
        data.dataset, size=data.size, data_dir=data.data_dir, val_fraction=data.val_fraction, fraction=data.fraction,
        seed=config.training.seed, resident_limit=limit, image_size=data.image_size, report=_in_tenths(say),
    )  # fmt: skip


def _in_tenths(say: Say) -> Report:
    """Say how far the reading of a large file is: checking or unpacking it takes minutes, once."""
    said = 0

    def report(done: int, total: int) -> None:
        nonlocal said
        tenth = 10 * done // total if total >= LARGE else 0
        if tenth != said:
            said = tenth
            say(f"reading {format_size(total)} of data: {10 * tenth} %")

    return report


def resident_limit(device: torch.device) -> int:
    """Bytes of images that may stay on the device."""
    free = psutil.virtual_memory().available
    if device.type == "cuda":
        free = min(free, torch.cuda.mem_get_info(device)[0])
    return int(free * MEMORY_SHARE)
