"""Presets: the report's settings, MedMNIST's protocol, and the augmentations that suit each dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xaitui.catalog.datasets import DATASETS


@dataclass(frozen=True)
class PresetInfo:
    """Named settings, by dotted path."""

    name: str
    description: str
    settings: Mapping[str, Any]


_REPORT: dict[str, Any] = {
    "optimizer.name": "adam",
    "optimizer.lr": 0.001,
    "training.batch_size": 32,
    "training.epochs": 15,
}

_PRESETS = (
    PresetInfo(
        "report-mnist",
        "The report's setting for MNIST: batch 32, rate 0.001, 15 epochs; Adam, as it names no optimizer.",
        {**_REPORT, "data.dataset": "mnist", "model.name": "simple-cnn-v1"},
    ),
    PresetInfo(
        "fast-mnist",
        "99 % test accuracy on MNIST in seconds: the improved SimpleCNN, one epoch on half of the images.",
        {
            "data.dataset": "mnist",
            "data.fraction": 0.5,
            "model.name": "simple-cnn",
            "model.dropout": False,
            "optimizer.name": "adam",
            "optimizer.lr": 0.01,
            "optimizer.beta1": 0.8,
            "schedule.name": "onecycle",
            "schedule.pct_start": 0.2,
            "training.batch_size": 128,
            "training.epochs": 1,
            "training.label_smoothing": 0.1,
            "training.precision": "auto",
        },
    ),
    PresetInfo(
        "report-pathmnist",
        "The report's setting for PathMNIST: the improved SimpleCNN, 30 epochs, early stopping.",
        {
            **_REPORT,
            "data.dataset": "pathmnist",
            "model.name": "simple-cnn",
            "training.epochs": 30,
            "training.batch_size": 64,
            "training.patience": 7,
        },
    ),
    PresetInfo(
        "report-xception",
        "The report's Xception: PathMNIST 28 px resized to 168, batch 32, AdamW, pretrained.",
        {
            "data.dataset": "pathmnist",
            "data.image_size": 168,
            "model.name": "xception",
            "model.pretrained": True,
            "optimizer.name": "adamw",
            "optimizer.lr": 0.001,
            "training.batch_size": 32,
            "training.epochs": 15,
            "training.patience": 7,
        },
    ),
    PresetInfo(
        "medmnist",
        "MedMNIST's protocol: ResNet-18 with a small stem, Adam, batch 128, 100 epochs, best by validation AUC.",
        {
            "data.dataset": "pathmnist",
            "data.normalize": "half",
            "model.name": "resnet18",
            "model.stem": "small",
            "optimizer.name": "adam",
            "optimizer.lr": 0.001,
            "schedule.name": "multistep",
            "schedule.milestones": (0.5, 0.75),
            "schedule.gamma": 0.1,
            "training.batch_size": 128,
            "training.epochs": 100,
            "training.monitor": "auc",
        },
    ),
)

PRESETS: dict[str, PresetInfo] = {preset.name: preset for preset in _PRESETS}

_STRENGTHS: dict[str, dict[str, Any]] = {
    "hflip": {"augmentation.hflip": True},
    "vflip": {"augmentation.vflip": True},
    "rot90": {"augmentation.rot90": True},
    "affine": {"augmentation.rotate": 10.0, "augmentation.translate": 0.08, "augmentation.scale": 0.1},
    "color-jitter": {"augmentation.color_jitter": 0.2},
    "stain-jitter": {"augmentation.stain_jitter": 0.2},
    "erasing": {"augmentation.erasing": 0.25},
    "mixup": {"augmentation.mixup": 0.2},
    "cutmix": {"augmentation.cutmix": 1.0},
}
"""Mild strengths of the augmentations that a dataset's record names."""

AUGMENTATION_PRESETS: dict[str, dict[str, Any]] = {
    name: {path: value for kind in info.preset_augmentation for path, value in _STRENGTHS[kind].items()}
    for name, info in DATASETS.items()
    if info.preset_augmentation
}
