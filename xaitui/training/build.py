"""Construction of a trainer's parts from a configuration, a dataset and the machine's choices."""

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
"""Normalisation of torchvision's pretrained weights."""

Normalisation = tuple[tuple[float, ...], tuple[float, ...]]


def _check(config: RunConfig, dataset: Dataset, model: nn.Module, micro_batch: int) -> None:
    """Refuse configurations that cannot be trained, and augmentations that would change the class of an image."""
    settings = _augmentation(config)
    refuse_mirrors(dataset.info, settings)
    refuse_channels(dataset.info, settings)
    for split in (dataset.train, dataset.val):  # on a GPU such a label would break the CUDA context without naming it
        if wrong := strange_labels(torch.from_numpy(split.labels), dataset.info.task, len(dataset.info.classes)):
            raise DataError(f"the labels of {split.name} are not classes: {wrong}; check the dataset")
    one_at_once = 1 in (config.training.batch_size, micro_batch, len(dataset.train))
    if one_at_once and not _takes_one(model, dataset.info.channels, image_side(config, dataset)):
        option = "micro-batch-size" if micro_batch == 1 else "batch-size"
        remedy = "the training split has one" if len(dataset.train) == 1 else f"use --{option} 2 or more"
        raise UsageError(f"this model's batch normalisation needs at least two images: {remedy}")


def _takes_one(model: nn.Module, channels: int, side: int) -> bool:
    """Whether a model can train on a single image: batch normalisation refuses a single value per channel."""
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
    """Strength of each augmentation; 0 is off."""
    return {name: float(value) for name, value in config.augmentation.model_dump().items()}


def seed_weights(config: RunConfig) -> None:
    """Seed the initial weights; call this right before building the model."""
    torch.manual_seed(derive_seed(config.training.seed, "weights"))


def build_parts(
    config: RunConfig,
    dataset: Dataset,
    model: nn.Module,
    normalised: Normalisation,
    resolved: Resolved,
    device: torch.device,
) -> Parts:
    """Build all parts on the device, ready for the first step.

    Args:
        normalised: mean and standard deviation of each channel of the inputs.

    Raises:
        UsageError: the dataset or the model does not support the configuration.
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
    allocate_state(optimizer)  # running out of memory should show before the first step
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
    """Mean and standard deviation of each channel, on the scale of [0, 1]; empty if the model's weights decide.

    Grey images for RGB weights also have three values, which the model's first layer handles.

    Args:
        channels: number of channels of the images.
        statistics: computes the statistics of the training split if they are needed.
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
    """Normalisation of a model's inputs: as configured or required by its weights, otherwise 0.5."""
    return (built.mean, built.std) if built.mean else ((0.5,) * channels, (0.5,) * channels)


def image_side(config: RunConfig, dataset: Dataset) -> int:
    """Side of the model's inputs in pixels."""
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
