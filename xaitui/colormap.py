"""Colours of maps, one definition for the console and for the pictures of a run.

A signed map is blue where it is negative, white at 0 and red where it is positive; a map without signs is of one hue,
its lightness (CIELAB) even from black to nearly white. Both read the same with any kind of colour vision.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]
"""(H, W), in [-1, 1], or in [0, 1] where signs do not count."""
Pixels = NDArray[np.uint8]
"""(H, W, 3), RGB."""

SIGNED = ("#1a5fd0", "#5c97e8", "#b3cff5", "#f7f7f7", "#f8c4bb", "#ee7868", "#d7191c")
"""From -1 to 1."""
ABSOLUTE = (
    "#000000",
    "#170c00",
    "#3a2003",
    "#5f3406",
    "#854a0b",
    "#ac6212",
    "#d57b18",
    "#fb9731",
    "#fdc293",
    "#feeadc",
)
"""From 0 to 1: hue 65 degrees of CIELAB."""

FULL = 0.99
"""Quantile of a map's magnitudes that has the full colour: one bright pixel must not darken all others."""
_OVER_SIGNED = ("#3d7ff0", "#f0302c")
"""What lies over an image for -1 and for 1: as bright as each other, seen on black and on white."""
_OVER_ABSOLUTE = "#ff9a2e"
_OPAQUE = 0.85
"""Opacity of the full colour over an image."""


def scaled(attributions: NDArray[np.floating], *, absolute: bool = False) -> Values:
    """Bring a map (H, W) to [-1, 1], its sign kept, or to [0, 1] as magnitudes; 0 stays 0."""
    values = np.abs(attributions) if absolute else np.asarray(attributions)
    full = float(np.quantile(np.abs(values), FULL)) or float(np.abs(values).max(initial=0.0))
    return np.clip(values / full if full else values, -1.0, 1.0).astype(np.float32)


def coloured(values: Values, *, signed: bool) -> Pixels:
    """The colours of scaled values."""
    scale = _channels(SIGNED if signed else ABSOLUTE)
    place = (values + 1) / 2 if signed else np.clip(values, 0, 1)
    at = np.linspace(0, 1, len(scale))
    return _bytes(np.stack([np.interp(place, at, channel) for channel in scale.T], axis=-1))


def over(image: Pixels, values: Values, *, signed: bool) -> Pixels:
    """Scaled values over an image of the same side: the larger, the less of the image is seen."""
    low, high = _channels(_OVER_SIGNED if signed else (_OVER_ABSOLUTE, _OVER_ABSOLUTE))
    colour = np.where(values[..., None] < 0, low, high)
    opacity = np.abs(values)[..., None] * _OPAQUE
    return _bytes(image * (1 - opacity) + colour * opacity)


def _bytes(channels: NDArray[np.floating]) -> Pixels:
    return channels.round().astype(np.uint8)


def _channels(colours: tuple[str, ...]) -> NDArray[np.float32]:
    return np.array([[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in colours], np.float32)
