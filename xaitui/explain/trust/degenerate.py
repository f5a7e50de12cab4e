"""Maps that say nothing: they are reported, not painted and not scored."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xaitui.catalog.attributions import ALL_EQUAL, ALL_ZERO, NOT_FINITE


def problems_of(maps: NDArray[np.float32]) -> list[str]:
    """What is wrong with each of some maps (N, H, W): one of `MAP_PROBLEMS`, or an empty string."""
    return [_problem(each) for each in maps]


def _problem(values: NDArray[np.float32]) -> str:
    if not np.isfinite(values).all():
        return NOT_FINITE
    if not values.any():
        return ALL_ZERO
    return ALL_EQUAL if values.min() == values.max() else ""
