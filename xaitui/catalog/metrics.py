"""Metrics that are computed at every epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class MetricInfo:
    """A score of a model on a split."""

    name: str
    """Name in the configuration and in the records of a run."""
    label: str
    """Name on screen."""
    direction: Literal["min", "max"]
    """Whether lower or higher is better."""
    format: str
    """Format specification of a value: ``format(value, info.format)``."""


_METRICS = (
    MetricInfo("loss", "Loss", "min", ".4f"),
    MetricInfo("accuracy", "Accuracy", "max", ".4f"),
    MetricInfo("auc", "AUC", "max", ".4f"),
    MetricInfo("balanced_accuracy", "Balanced accuracy", "max", ".4f"),
    MetricInfo("macro_f1", "Macro F1", "max", ".4f"),
)

METRICS: Mapping[str, MetricInfo] = {info.name: info for info in _METRICS}
