from __future__ import annotations

import math

import pytest
from scipy import stats

from xaitui.metrics.statistics import paired_difference, spread


def test_a_value_that_is_not_known_does_not_count() -> None:
    found = spread([1.0, math.nan, 3.0])
    assert (found.n, found.mean) == (2, 2.0)
    assert found.sd == pytest.approx(math.sqrt(2))


def test_one_value_has_no_deviation() -> None:
    assert spread([0.5]).mean == 0.5
    assert math.isnan(spread([0.5]).sd)
    assert math.isnan(spread([]).mean)


def test_the_interval_is_that_of_a_paired_t_test() -> None:
    values, baseline = [0.91, 0.93, 0.90, 0.95], [0.90, 0.91, 0.90, 0.92]
    found = paired_difference(values, baseline)
    interval = stats.ttest_rel(values, baseline).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert not found.is_clear


def test_one_pair_says_nothing_of_its_spread() -> None:
    found = paired_difference([0.9, math.nan], [0.8, 0.7])
    assert found.n == 1
    assert found.mean == pytest.approx(0.1)
    assert math.isnan(found.low)
    assert not found.is_clear
