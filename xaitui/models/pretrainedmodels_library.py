"""Import of pretrainedmodels."""

from __future__ import annotations

import importlib
from typing import Any

import torch
import torchvision  # noqa: F401  # first, so that nothing of it is made on the meta device below


def import_pretrainedmodels(module: str = "pretrainedmodels") -> Any:
    """Import the library, or one module of it, without what its import does: 0.5 GB of weights, and random draws.

    It builds two whole networks when it is imported. On the meta device they have shapes only, so a model's
    initialisation depends on the seed and not on whether it is the first one of the process.
    """
    with torch.device("meta"):
        return importlib.import_module(module)
