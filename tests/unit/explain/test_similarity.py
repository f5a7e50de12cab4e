from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xaitui.explain.similarity import difference, likeness


def made_maps(seed: int = 0, count: int = 3, side: int = 9) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(count, side, side)).astype(np.float32)


def test_a_map_is_like_itself_whatever_its_scale() -> None:
    maps = made_maps()
    found = likeness(maps, 5 * maps)
    for numbers in (found.spearman_abs, found.spearman_signed, found.ssim):
        np.testing.assert_allclose(numbers, 1, atol=1e-6)
    np.testing.assert_allclose(difference(maps, 5 * maps), 0, atol=1e-6)


def test_other_signs_are_the_same_places() -> None:
    maps = made_maps()
    found = likeness(maps, -maps)
    np.testing.assert_allclose(found.spearman_abs, 1)
    np.testing.assert_allclose(found.spearman_signed, -1)


def test_maps_that_have_nothing_in_common() -> None:
    found = likeness(made_maps(0, count=20, side=20), made_maps(1, count=20, side=20))
    assert abs(float(found.spearman_abs.mean())) < 0.05
    assert abs(float(found.ssim.mean())) < 0.2


def test_maps_that_say_nothing_have_no_likeness() -> None:
    maps = made_maps()
    other = maps.copy()
    other[0], other[1, 0, 0] = 0, np.nan
    found = likeness(maps, other)
    for numbers in (found.spearman_abs, found.spearman_signed, found.ssim):
        assert np.isnan(numbers).tolist() == [True, True, False]
    assert np.isfinite(difference(maps, other)[0]).all()


def test_a_difference_shows_who_looks_where() -> None:
    one, other = np.zeros((1, 4, 4), np.float32), np.zeros((1, 4, 4), np.float32)
    one[0, 0, 0], other[0, 3, 3] = 7, 0.1
    found = difference(one, other)
    assert (float(found[0, 0, 0]), float(found[0, 3, 3])) == (1, -1)
    assert np.count_nonzero(found) == 2
