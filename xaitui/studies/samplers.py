"""The ways of going through a space, and of giving up a trial early: what each is, and what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SamplerInfo:
    """A way of choosing what is tried."""

    name: str
    description: str
    proposes: bool = False
    """Whether it looks at earlier trials (Optuna does); the others are lists that are known beforehand."""
    counted: bool = False
    """Whether it needs a number of trials, for it has no end of its own."""
    several: bool = False
    """Whether it can follow several objectives."""
    ranges: bool = True
    """Whether it can draw from a range; if not, a range needs a step."""
    numbers_only: bool = False
    """Whether every setting must be a range of numbers."""


_SAMPLERS = (
    SamplerInfo("one-at-a-time", "Each value of one setting, all others as in the base.", several=True, ranges=False),
    SamplerInfo("grid", "Every combination of all values.", several=True, ranges=False),
    SamplerInfo("random", "Drawn anew for each trial.", counted=True, several=True),
    SamplerInfo("tpe", "Tree-structured Parzen estimator (Bergstra and others 2011), by Optuna.", True, True, True),
    SamplerInfo("cma-es", "CMA-ES (Hansen 2016), by Optuna; for ranges.", True, True, numbers_only=True),
    SamplerInfo("nsga2", "NSGA-II (Deb and others 2002), by Optuna; for several objectives.", True, True, True),
)
SAMPLERS: Mapping[str, SamplerInfo] = {info.name: info for info in _SAMPLERS}

PRUNERS: Mapping[str, str] = {
    "none": "Every trial is trained to its end.",
    "median": "A trial that is worse than the median of earlier ones at the same epoch is given up.",
    "asha": "Asynchronous successive halving (Li and others 2020).",
    "hyperband": "Hyperband (Li and others 2018).",
}
