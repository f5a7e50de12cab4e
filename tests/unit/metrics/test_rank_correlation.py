from __future__ import annotations

import numpy as np
from scipy import stats

from xaitui.metrics.rank_correlation import rank_correlation, ranks


def test_ranks_are_scipys_with_ties_too() -> None:
    draw = np.random.default_rng(0)
    values = draw.integers(0, 5, (4, 6, 6)).astype(np.float32)
    np.testing.assert_array_equal(ranks(values), stats.rankdata(values.reshape(4, -1), axis=1))


def test_it_is_spearmans_correlation() -> None:
    draw = np.random.default_rng(1)
    one = np.maximum(draw.normal(size=(5, 8, 8)), 0)  # half of it zero, as in maps that a ReLU has gone over
    other = one + draw.normal(size=one.shape)
    expected = [stats.spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(one, other, strict=True)]
    np.testing.assert_allclose(rank_correlation(one, other), expected, atol=1e-12)


def test_the_size_of_the_values_does_not_matter_their_order_does() -> None:
    one = np.arange(9.0).reshape(1, 3, 3)
    assert rank_correlation(one, np.exp(one))[0] == 1
    assert rank_correlation(one, -one)[0] == -1


def test_a_map_that_orders_nothing_has_none() -> None:
    one = np.stack([np.zeros((3, 3)), np.full((3, 3), np.nan), np.arange(9.0).reshape(3, 3)])
    found = rank_correlation(one, np.stack([np.arange(9.0).reshape(3, 3)] * 3))
    assert np.isnan(found[:2]).all()
    assert found[2] == 1
