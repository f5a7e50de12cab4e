"""Preparation of a trainer from a configuration, up to its first step; nothing is written yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import torch

from xaitui.config.schema import ModelConfig, RunConfig
from xaitui.config.units import AUTO, format_size
from xaitui.data.dataset import Dataset, GreyRange
from xaitui.data.duplicates import note_at_start
from xaitui.data.open import open_configured
from xaitui.data.source import DATA_RULES
from xaitui.hardware.capacity import available_memory
from xaitui.jobs.measure.precision import fastest_precision, speed_with
from xaitui.metrics.scores import require_defined
from xaitui.models.build import BuiltModel, build_model
from xaitui.stop import Stop
from xaitui.system.disk import Report
from xaitui.training.build import (
    Normalisation,
    build_parts,
    effective_normalisation,
    image_side,
    normalisation,
    seed_weights,
    train_statistics,
)
from xaitui.training.compile import settle_compile
from xaitui.training.components import Parts
from xaitui.training.device import ChosenDevice, choose_device, unsupported_capability
from xaitui.training.resolve import Resolved, adapted, differences, resolve_machine
from xaitui.training.trainer import Trainer

Say = Callable[[str], None]

LARGE = 1 << 30
"""Bytes from which on the reading of a file is told."""

MEMORY_SHARE = 0.5
"""The part of the free memory of device and host that a resident set may take."""


@dataclass(frozen=True)
class Found:
    """What was measured for a new run before, and is not to be measured again."""

    precision: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why, for the run's file."""


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
    config: RunConfig,
    stop: Stop,
    say: Say,
    *,
    resolved: Resolved | None = None,
    model_source: Path | None = None,
    found: Found | None = None,
    grey_range: GreyRange | None = None,
) -> Prepared:
    """Choose the device, open the data, build model and trainer.

    Args:
        config: with a number as batch size: `settle_batch_size` finds one.
        say: told while the call waits for a GPU, or for a large file to be read.
        resolved: what the machine chose when the run was made, where one is resumed.
        model_source: a file to take a user's own model from, instead of the path in the configuration.
        found: what is known of a new run already.
        grey_range: that of the run, where one is resumed.

    Raises:
        XaituiError: of the kind of what is wrong.
    """
    chosen = choose_device(_wanted(config, resolved), wait_for=config.run.wait_gpu, stop=stop, say=say)
    if chosen.device.type == "cuda" and (reason := unsupported_capability(chosen.device.index or 0)):
        chosen = ChosenDevice(torch.device("cpu"), "processor", reason)
    rules = resolved.data_rules if resolved else DATA_RULES
    dataset = open_data(config, chosen.device, say, rules, grey_range)
    if resolved is None:
        require_defined(
            config.training.monitor, "--monitor", dataset.info.task, dataset.val.labels, dataset.info.classes
        )
    built = _build(config, dataset, model_source, load=resolved is None)
    inexact = tuple(differences(resolved, chosen)) if resolved else ()
    choices = resolved or _choices(config, chosen, dataset, stop, found or Found())
    if inexact:
        choices = adapted(choices, chosen)
    normalised = effective_normalisation(built, dataset.info.channels)
    parts = build_parts(config, dataset, built.module, normalised, choices, chosen.device)
    parts, settled, about_compiling = settle_compile(parts, choices, stop, say, is_new=resolved is None)
    if resolved and (settled.compile, settled.cuda_graph) != (choices.compile, choices.cuda_graph):
        inexact = (*inexact, about_compiling)
    notes = (
        f"{chosen.device}: {chosen.reason}",
        *dataset.notes,
        *built.notes,
        *filter(None, [note_at_start(dataset), about_compiling]),
        *_about_found(config, settled),
    )
    return Prepared(config, dataset, built, settled, Trainer(parts), notes, inexact)


def _choices(config: RunConfig, chosen: ChosenDevice, dataset: Dataset, stop: Stop, found: Found) -> Resolved:
    """What the machine chooses for a new run; the fastest precision is found by training in each for a moment."""
    is_open = config.training.precision == AUTO
    training = config.training.model_copy(update={"precision": "float32"} if is_open else {})
    choices = resolve_machine(config.model_copy(update={"training": training}), chosen, len(dataset.train))
    reasons = {**choices.reasons, **found.reasons}
    if not is_open:
        return replace(choices, reasons=reasons)
    if found.precision:
        return replace(choices, precision=found.precision, reasons=reasons)

    def parts(precision: str) -> Parts:
        built = _build(config, dataset, None, load=False)
        plain = replace(choices, precision=precision, compile=False, cuda_graph=False)
        grey = ((0.5,) * dataset.info.channels,) * 2
        return build_parts(config, dataset, built.module, grey, plain, chosen.device)

    precision, why = fastest_precision(chosen.device, lambda name: speed_with(lambda: parts(name), chosen.device, stop))
    return replace(choices, precision=precision, reasons={**reasons, "precision": why})


def _about_found(config: RunConfig, choices: Resolved) -> Iterator[str]:
    """What was found for ``auto``, and why."""
    for name, value in (("batch_size", config.training.batch_size), ("precision", choices.precision)):
        if name in choices.reasons:
            yield f"{name.replace('_', ' ')} {value}: {choices.reasons[name]}"


def _build(config: RunConfig, dataset: Dataset, source: Path | None, *, load: bool) -> BuiltModel:
    """Build the model; `load` reads pretrained weights, which a resumed run has in its checkpoint."""
    normalised = normalisation(config, dataset.info.channels, partial(train_statistics, dataset))
    seed_weights(config)
    return build_for(
        config.model,
        len(dataset.info.classes),
        dataset.info.channels,
        image_side(config, dataset),
        normalised,
        source=source,
        load=load,
    )


def build_for(
    model: ModelConfig,
    classes: int,
    channels: int,
    side: int,
    normalised: Normalisation,
    *,
    source: Path | None,
    load: bool,
) -> BuiltModel:
    """Build the model of a configuration for images of so many channels and that side in pixels."""
    return build_model(
        model.name,
        num_classes=classes,
        in_channels=channels,
        image_size=side,
        batch_norm=model.batch_norm,
        dropout=model.dropout,
        activation=model.activation,
        stem=model.stem,
        pretrained=model.pretrained,
        weights=model.weights,
        finetune=model.finetune,
        mean=normalised[0],
        std=normalised[1],
        source=source,
        load=load,
    )


def _wanted(config: RunConfig, resolved: Resolved | None) -> str:
    """A resumed run goes back to its class of device, whatever would be chosen today, if it is here."""
    if resolved is None or config.run.device != "auto":
        return config.run.device
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return resolved.device if available[resolved.device] else "auto"


def open_data(config: RunConfig, device: torch.device, say: Say, rules: int, grey_range: GreyRange | None) -> Dataset:
    """Open the dataset of a configuration by that version of the rules; what does not fit stays on disk."""
    limit = {"resident": 1 << 62, "streaming": 0, "auto": resident_limit(device)}[config.data.storage]
    return open_configured(config, resident_limit=limit, report=_in_tenths(say), rules=rules, grey_range=grey_range)


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
    free = available_memory()
    if device.type == "cuda":
        free = min(free, torch.cuda.mem_get_info(device)[0])
    return int(free * MEMORY_SHARE)
