"""Themes, and the colours of series in them, which people with any kind of colour vision can tell apart."""

from __future__ import annotations

from textual.theme import Theme

THEMES: tuple[Theme, ...] = (
    Theme(
        name="xaitui-dark",
        dark=True,
        primary="#56b4e9",
        secondary="#009e73",
        accent="#e69f00",
        warning="#f0e442",
        error="#ff7a6b",
        success="#3fc79a",
        foreground="#e4e4e4",
        background="#101418",
        surface="#161b21",
        panel="#222a33",
    ),
    Theme(
        name="xaitui-light",
        dark=False,
        primary="#005a8c",
        secondary="#00694d",
        accent="#8f5b00",
        warning="#7a5900",
        error="#b3261e",
        success="#00694d",
        foreground="#1a1a1a",
        background="#ffffff",
        surface="#f4f5f7",
        panel="#e2e6ea",
    ),
    Theme(
        name="xaitui-contrast",
        dark=True,
        primary="#ffffff",
        secondary="#00ffff",
        accent="#ffff00",
        warning="#ffff00",
        error="#ff6060",
        success="#00ff00",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#303030",
        boost="#000000",
    ),
)
"""The console's own themes, the default first."""

MUTED = "$foreground 65%"
"""For what is read second; Textual's own $text-muted comes out at full strength inside of a text."""

_ON_DARK = ("#56b4e9", "#e69f00", "#3fc79a", "#cc79a7", "#f0e442", "#e4e4e4", "#d55e00", "#8fa8ff")
_ON_LIGHT = ("#0072b2", "#b35a00", "#00795a", "#a83a78", "#6b5f00", "#1a1a1a", "#8c2d04", "#4a3fb5")
"""Okabe and Ito's colour set (2008), lightened or darkened until each has a contrast of 4.5 on its background."""


def series_colours(theme: str) -> tuple[str, ...]:
    """Eight colours for series on the background of a theme, as hexadecimal; a name that is not ours is taken as dark.

    A ninth series takes the first colour again: what tells series apart then is the legend and the cursor.
    """
    light = any(item.name == theme and not item.dark for item in THEMES) or theme.endswith("-light")
    return _ON_LIGHT if light else _ON_DARK
