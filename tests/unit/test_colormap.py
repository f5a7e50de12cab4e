from __future__ import annotations

import numpy as np

from xaitui.colormap import coloured, over, scaled


def grid(*values: float) -> np.ndarray:
    return np.array([values], np.float32)


def test_zero_stays_zero_and_the_largest_has_the_full_colour() -> None:
    assert scaled(grid(-2, 0, 1)).tolist() == [[-1, 0, 0.5050504803657532]]
    assert scaled(grid(-2, 0, 1), absolute=True).tolist() == [[1, 0, 0.5050504803657532]]
    assert scaled(grid(0, 0)).tolist() == [[0, 0]]


def test_one_bright_pixel_does_not_darken_the_others() -> None:
    values = np.full((20, 20), 0.1, np.float32)
    values[3, 3] = 100
    assert scaled(values).min() == 1
    lone = np.zeros((20, 20), np.float32)
    lone[3, 3] = -5
    assert scaled(lone)[3, 3] == -1
    assert np.count_nonzero(scaled(lone)) == 1


def test_signs_are_blue_and_red_around_white() -> None:
    blue, white, red = coloured(grid(-1, 0, 1), signed=True)[0].astype(int)
    assert blue[2] - blue[0] > 150
    assert red[0] - red[2] > 150
    assert white.min() > 240


def test_without_signs_lightness_rises_evenly() -> None:
    pixels = coloured(np.linspace(0, 1, 50, dtype=np.float32)[None], signed=False)[0]
    light = pixels @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(light) > 0).all()
    assert (light[0], light[-1] > 220) == (0, True)


def test_what_is_zero_leaves_the_image_as_it_is() -> None:
    image = np.full((1, 3, 3), 128, np.uint8)
    negative, nothing, positive = over(image, grid(-1, 0, 1), signed=True)[0].astype(int)
    assert nothing.tolist() == [128, 128, 128]
    assert negative[2] > negative[0] + 100
    assert positive[0] > positive[2] + 100
