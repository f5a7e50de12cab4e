from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from sklearn.datasets import load_digits

from xaitui.catalog.datasets import DATASETS
from xaitui.data.digits import digits_source


@pytest.mark.parametrize("file_has_moved", [False, True])
def test_the_digits_are_scaled_exactly(file_has_moved: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if file_has_moved:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    info = DATASETS["digits"]
    source = digits_source(info)
    images = source.parts["train"].read()
    original = load_digits()
    assert isinstance(images, np.ndarray)
    assert images.dtype == np.uint8
    assert images.shape == (info.counts[0], 8, 8, 1)
    scale = dict(zip(original.images.ravel().tolist(), images.ravel().tolist(), strict=True))
    assert (scale[0], scale[1], scale[8], scale[16]) == (0, 16, 128, 255)
    assert np.array_equal(images[..., 0], np.floor(original.images * 255 / 16 + 0.5))
    assert np.array_equal(source.parts["train"].labels, original.target)
