"""Numbers over several seeds: their mean and spread, and whether two settings differ by more than their spread."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """What some values of one quantity have in common."""

    n: int
    """How many there are; those that are nan do not count."""
    mean: float
    """nan without a value."""
    sd: float
    """Standard deviation of the sample (n - 1); nan for fewer than two values."""


@dataclass(frozen=True)
class PairedDifference:
    """How much more one setting has than another, pair by pair."""

    n: int
    """Pairs in which both have a value."""
    mean: float
    low: float
    high: float
    """The confidence interval of the mean; nan for fewer than two pairs."""

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0


def spread(values: Sequence[float]) -> Spread:
    """Mean and standard deviation of some values."""
    known = [value for value in values if not math.isnan(value)]
    mean = statistics.fmean(known) if known else math.nan
    return Spread(len(known), mean, statistics.stdev(known) if len(known) > 1 else math.nan)


def paired_difference(values: Sequence[float], baseline: Sequence[float], confidence: float = 0.95) -> PairedDifference:
    """The mean of ``values - baseline`` with Student's interval (Student 1908); pairs stand at equal places."""
    pairs = [a - b for a, b in zip(values, baseline, strict=True) if not math.isnan(a - b)]
    found = spread(pairs)
    if found.n < 2:
        return PairedDifference(found.n, found.mean, math.nan, math.nan)
    from scipy import stats  # loads slowly, and only here is it needed

    half = float(stats.t.ppf(0.5 + confidence / 2, found.n - 1)) * found.sd / math.sqrt(found.n)
    return PairedDifference(found.n, found.mean, found.mean - half, found.mean + half)
