"""Statistics over several seeds: mean, standard deviation, and paired differences of settings."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation of a quantity."""

    n: int
    """Number of values, without nan."""
    mean: float
    """nan without a value."""
    sd: float
    """Standard deviation of the sample (n - 1); nan for fewer than two values."""


@dataclass(frozen=True)
class PairedDifference:
    """Paired difference of two settings."""

    n: int
    """Number of pairs in which both have a value."""
    mean: float
    low: float
    high: float
    """Confidence interval of the mean; nan for fewer than two pairs."""

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0


def spread(values: Sequence[float]) -> Spread:
    """Return mean and standard deviation of values."""
    known = [value for value in values if not math.isnan(value)]
    mean = statistics.fmean(known) if known else math.nan
    return Spread(len(known), mean, statistics.stdev(known) if len(known) > 1 else math.nan)


def paired_difference(values: Sequence[float], baseline: Sequence[float], confidence: float = 0.95) -> PairedDifference:
    """Return the mean of ``values - baseline`` with Student's interval (Student 1908); pairs have equal indices."""
    pairs = [a - b for a, b in zip(values, baseline, strict=True) if not math.isnan(a - b)]
    found = spread(pairs)
    if found.n < 2:
        return PairedDifference(found.n, found.mean, math.nan, math.nan)
    from scipy import stats  # slow to import, and only needed here

    half = float(stats.t.ppf(0.5 + confidence / 2, found.n - 1)) * found.sd / math.sqrt(found.n)
    return PairedDifference(found.n, found.mean, found.mean - half, found.mean + half)
