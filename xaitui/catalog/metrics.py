"""The metrics of every epoch: how they are called, which way is better, and how they are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class MetricInfo:
    """One number that tells how good a model is on a split."""

    name: str
    """As in the configuration and in records of a run."""
    label: str
    """As people read it."""
    direction: Literal["min", "max"]
    """Whether less or more of it is better."""
    format: str
    """Format specification for one value: ``format(value, info.format)``."""


_METRICS = (
    MetricInfo("loss", "Loss", "min", ".4f"),
    MetricInfo("accuracy", "Accuracy", "max", ".4f"),
    MetricInfo("auc", "AUC", "max", ".4f"),
    MetricInfo("balanced_accuracy", "Balanced accuracy", "max", ".4f"),
    MetricInfo("macro_f1", "Macro F1", "max", ".4f"),
)

METRICS: Mapping[str, MetricInfo] = {info.name: info for info in _METRICS}
