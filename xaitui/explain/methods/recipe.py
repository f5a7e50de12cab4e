"""Arguments and results of an attribution method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from xaitui.catalog.attributions import DEFAULT_BASELINE, AttributionInfo, attribution_info

SMALLEST_CHANGE = 0.1
"""Of a logit: what a smaller change counts as, where an error is told as a part of it."""


@dataclass(frozen=True)
class Recipe:
    """How a method is used: all that makes its maps what they are, besides the model and the image."""

    method: str
    layer: str = ""
    """Path of the layer that is looked at, for a method that looks at one."""
    baseline: str = DEFAULT_BASELINE
    steps: int = 50
    """Of a path, to begin with."""
    seed: int = 0

    @property
    def info(self) -> AttributionInfo:
        """The record of the method."""
        return attribution_info(self.method)


@dataclass(frozen=True)
class Call:
    """One call: images (N, C, H, W) that may be computed at once, the class to explain of each, and their baselines."""

    module: nn.Module
    recipe: Recipe
    inputs: Tensor
    targets: Tensor
    baselines: Tensor
    batch: int
    """Images that may go through the model at once."""
    exact: bool
    """Whether a path gets more steps where its sum is not the change of the logit yet."""

    @property
    def copies(self) -> int:
        """Copies of each of the images that may go through the model at once."""
        return max(1, self.batch // len(self.inputs))

    def layer(self) -> nn.Module:
        """The layer that is looked at."""
        return self.module.get_submodule(self.recipe.layer)

    def change(self) -> Tensor:
        """By how much each image moves its logit (N,), from that of its baseline."""
        with torch.no_grad():
            own, other = (self.module(x).double() for x in (self.inputs, self.baselines))
        change: Tensor = (own - other).gather(1, self.targets[:, None])[:, 0]
        return change


@dataclass(frozen=True)
class Attributions:
    """What a method found."""

    values: Tensor
    """(N, C, H, W), or (N, 1, H, W) where channels are one; float32."""
    facts: Mapping[str, Tensor] = field(default_factory=dict)
    """By the names of scores, (N,): "completeness" and "steps" of those that know them."""


def completeness_error(values: Tensor, change: Tensor) -> Tensor:
    """How far the sum of attributions (N, ...) is from the change of the logit (N,), as a part of that change."""
    total = values.flatten(1).double().sum(dim=1)
    return (total - change).abs() / change.abs().clamp(min=SMALLEST_CHANGE)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let what is drawn inside depend on the seed alone; the global generators are then as they were."""
    kept = np.random.get_state()
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        np.random.seed(seed % 2**32)
        try:
            yield
        finally:
            np.random.set_state(kept)
