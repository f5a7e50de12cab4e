"""Builds the parts of a trainer from a configuration, a data set and what the machine chose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import fmean
from typing import Literal

import torch
from torch import nn

from xaitui.catalog.augmentations import refuse_channels, refuse_mirrors
from xaitui.catalog.metrics import METRICS
from xaitui.config.schema import RunConfig
from xaitui.data.dataset import Dataset
from xaitui.data.device.augment import Augmenter
from xaitui.data.device.prepare import Prepare
from xaitui.data.device.store import open_store
from xaitui.data.statistics import split_statistics
from xaitui.errors import DataError, UsageError
from xaitui.models.build import BuiltModel
from xaitui.seeds import derive_seed
from xaitui.training.averaging import WeightAverage
from xaitui.training.bad_step import strange_labels
from xaitui.training.batch_order import steps_per_epoch
from xaitui.training.components import Parts
from xaitui.training.early_stopping import EarlyStopping
from xaitui.training.inputs import TrainingInputs
from xaitui.training.losses import Loss, balanced_weights, build_loss
from xaitui.training.memory import Undo
from xaitui.training.numerics import Numerics, configure
from xaitui.training.optim import allocate_state, build_optimizer
from xaitui.training.resolve import Resolved
from xaitui.training.schedule import Plateau, Schedule, build_schedule

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""What torchvision's pretrained weights were trained with."""

Normalisation = tuple[tuple[float, ...], tuple[float, ...]]


def _check(config: RunConfig, dataset: Dataset, model: nn.Module, micro_batch: int) -> None:
    """Refuse what cannot be trained, and augmentations that would change what the images of a set mean."""
    settings = _augmentation(config)
    refuse_mirrors(dataset.info, settings)
    refuse_channels(dataset.info, settings)
    for split in (dataset.train, dataset.val):  # a GPU that meets such a label takes no more orders, and names none
        if wrong := strange_labels(torch.from_numpy(split.labels), dataset.info.task, len(dataset.info.classes)):
            raise DataError(f"the labels of {split.name} are not classes: {wrong}; check the dataset")
    one_at_once = 1 in (config.training.batch_size, micro_batch, len(dataset.train))
    if one_at_once and not _takes_one(model, dataset.info.channels, image_side(config, dataset)):
        option = "micro-batch-size" if micro_batch == 1 else "batch-size"
        remedy = "the training split has one" if len(dataset.train) == 1 else f"use --{option} 2 or more"
        raise UsageError(f"this model's batch normalisation needs at least two images: {remedy}")


def _takes_one(model: nn.Module, channels: int, side: int) -> bool:
    """Whether a model can be trained on one image at a time: normalisation takes no statistics of a single value."""
    was_training, undo = model.training, Undo(model, torch.device("cpu"))
    undo.take()
    try:
        with torch.no_grad():
            model.train()(torch.zeros(1, channels, side, side))
    except ValueError as error:
        return "more than 1 value per channel" not in str(error)
    finally:
        model.train(was_training)
        undo.put_back()
    return True


def _augmentation(config: RunConfig) -> Mapping[str, float]:
    """The strengths of all augmentations, zero where off."""
    return {name: float(value) for name, value in config.augmentation.model_dump().items()}


def seed_weights(config: RunConfig) -> None:
    """Decide the initial weights; to be called right before the model is built."""
    torch.manual_seed(derive_seed(config.training.seed, "weights"))


def build_parts(
    config: RunConfig,
    dataset: Dataset,
    model: nn.Module,
    normalised: Normalisation,
    resolved: Resolved,
    device: torch.device,
) -> Parts:
    """Put everything on the device, ready for the first step.

    Args:
        normalised: mean and standard deviation of each channel of the inputs.

    Raises:
        UsageError: the configuration asks for what the set or the model cannot do.
        DataError: the images cannot be read.
    """
    _check(config, dataset, model, resolved.micro_batch)
    training = config.training
    configure(threads=resolved.threads, deterministic=training.deterministic, tf32=resolved.tf32)
    numerics = Numerics(device, resolved.precision, resolved.channels_last)
    model = model.to(device).to(memory_format=numerics.memory_format)
    train, val = open_store(dataset.train, device), open_store(dataset.val, device)
    prepare = Prepare(image_side(config, dataset), *normalised, memory_format=numerics.memory_format).to(device)
    stopping = _stopping(config)
    optimizer = build_optimizer(model, config.optimizer.name, config.optimizer.model_dump(), fused=resolved.fused)
    allocate_state(optimizer)  # what cannot fit is to be known before the first step
    torch.manual_seed(derive_seed(training.seed, "training"))
    return Parts(
        config=config,
        task=dataset.info.task,
        classes=dataset.info.classes,
        numerics=numerics,
        model=model,
        forward=model,
        train=train,
        val=val,
        inputs=_inputs(config, dataset, prepare),
        prepare=prepare,
        loss=_loss(config, dataset, device),
        optimizer=optimizer,
        scaler=torch.amp.GradScaler(device.type, enabled=resolved.precision == "float16"),
        schedule=_schedule(config, steps_per_epoch(len(train), training.batch_size)),
        plateau=_plateau(config, stopping.mode),
        average=WeightAverage(model, training.ema_decay) if training.ema_decay else None,
        stopping=stopping,
        log_every=resolved.log_every,
        micro_batch=resolved.micro_batch or training.batch_size,
        eval_batch_size=resolved.eval_batch_size,
    )


def normalisation(config: RunConfig, channels: int, statistics: Callable[[], Normalisation]) -> Normalisation:
    """Mean and standard deviation of each channel, on the scale of [0, 1]; empty where the model's weights decide.

    Grey images for weights of RGB images get the three values: the model's first layer takes them up.

    Args:
        channels: of the images.
        statistics: tells those of the training split, where they are wanted.
    """
    match config.data.normalize:
        case "half":
            return (0.5,) * channels, (0.5,) * channels
        case "imagenet":
            rgb = channels == 3 or config.model.pretrained or bool(config.model.weights)
            return (IMAGENET_MEAN, IMAGENET_STD) if rgb else ((fmean(IMAGENET_MEAN),), (fmean(IMAGENET_STD),))
        case "train":
            return statistics()
        case "none":
            return (0.0,) * channels, (1.0,) * channels
    return (), ()


def train_statistics(dataset: Dataset) -> Normalisation:
    """Mean and standard deviation of each channel of the training split."""
    return split_statistics(dataset.train)


def effective_normalisation(built: BuiltModel, channels: int) -> Normalisation:
    """What a model's inputs are normalised with: what was asked for, or its weights want, or else 0.5."""
    return (built.mean, built.std) if built.mean else ((0.5,) * channels, (0.5,) * channels)


def image_side(config: RunConfig, dataset: Dataset) -> int:
    """Side in pixels of the images that the model sees."""
    return config.data.image_size or dataset.train.images.shape[1]


def _inputs(config: RunConfig, dataset: Dataset, prepare: Prepare) -> TrainingInputs:
    task, classes = dataset.info.task, len(dataset.info.classes)
    return TrainingInputs(task, classes, config.training.seed, Augmenter(_augmentation(config)), prepare)


def _schedule(config: RunConfig, steps: int) -> Schedule:
    settings = config.schedule.model_dump()
    return build_schedule(
        config.schedule.name,
        settings,
        base_lr=config.optimizer.lr,
        steps_per_epoch=steps,
        epochs=config.training.epochs,
    )


def _loss(config: RunConfig, dataset: Dataset, device: torch.device) -> Loss:
    task, classes = dataset.info.task, len(dataset.info.classes)
    balanced = config.training.class_weights == "balanced"
    weights = balanced_weights(dataset.train.labels, classes, task).to(device) if balanced else None
    return build_loss(task, label_smoothing=config.training.label_smoothing, class_weights=weights)


def _stopping(config: RunConfig) -> EarlyStopping:
    training = config.training
    mode: Literal["min", "max"] = METRICS[training.monitor].direction if training.mode == "auto" else training.mode
    return EarlyStopping(training.monitor, mode, training.patience, training.min_delta)


def _plateau(config: RunConfig, mode: Literal["min", "max"]) -> Plateau | None:
    schedule = config.schedule
    if schedule.name != "plateau":
        return None
    return Plateau(mode, schedule.plateau_patience, schedule.plateau_threshold)
