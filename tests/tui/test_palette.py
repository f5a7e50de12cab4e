"""The colours of each theme: read against what is behind them, and told apart by every kind of colour vision."""

from __future__ import annotations

import itertools
import re

import pytest
from textual.theme import Theme

from xaitui.tui.palette import THEMES, series_colours

Triple = tuple[float, float, float]
Matrix = tuple[Triple, Triple, Triple]

VISIONS: dict[str, Matrix] = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
}
"""What linear RGB becomes: Machado, Oliveira and Fernandes (2009), at full severity."""

XYZ: Matrix = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
WHITE: Triple = (0.9505, 1.0, 1.089)

PAIR, FOUR = 40.0, 10.0
"""Distances in CIELAB. About 2.3 is just noticeable side by side; a line of dots far from its legend needs several
times that. Training and validation, which stand in every plot, must be opposites."""

TEXTS = ("foreground", "primary", "accent", "success", "warning", "error", "text-success", "text-warning", "text-error")
"""Colours of the theme that words are written in."""


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_words_are_read_on_every_ground_they_stand_on(theme: Theme) -> None:
    colours = theme.to_color_system().generate()
    for name, ground in itertools.product(TEXTS, ("background", "surface")):
        assert _contrast(colours[name], colours[ground]) >= 4.5, (name, ground)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_series_are_seen_on_the_background(theme: Theme) -> None:
    assert theme.background is not None
    for colour in series_colours(theme.name):
        assert _contrast(colour, theme.background) >= 4.5, colour


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_the_first_series_are_told_apart(theme: Theme, vision: str) -> None:
    seen = [_lab(_through(VISIONS[vision], _linear(colour))) for colour in series_colours(theme.name)[:4]]
    assert _distance(seen[0], seen[1]) >= PAIR
    for one, other in itertools.combinations(seen, 2):
        assert _distance(one, other) >= FOUR


def _linear(colour: str) -> Triple:
    red, green, blue = (int(part, 16) / 255 for part in re.findall("[0-9a-fA-F]{2}", colour))
    return _straight(red), _straight(green), _straight(blue)


def _straight(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _through(matrix: Matrix, colour: Triple) -> Triple:
    one, two, three = (sum(a * b for a, b in zip(row, colour, strict=True)) for row in matrix)
    return min(1.0, max(0.0, one)), min(1.0, max(0.0, two)), min(1.0, max(0.0, three))


def _contrast(one: str, other: str) -> float:
    """The contrast of WCAG 2.1: 4.5 is asked of text."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    return sum(a * b for a, b in zip(XYZ[1], _linear(colour), strict=True))


def _lab(colour: Triple) -> Triple:
    parts = [sum(a * b for a, b in zip(row, colour, strict=True)) for row in XYZ]
    x, y, z = (_cube_root(part / white) for part, white in zip(parts, WHITE, strict=True))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _cube_root(part: float) -> float:
    return float(part ** (1 / 3)) if part > 0.008856 else 7.787 * part + 16 / 116


def _distance(one: Triple, other: Triple) -> float:
    return float(sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5)
