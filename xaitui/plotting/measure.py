"""The cells that texts take in a terminal, by the standard library alone."""

from __future__ import annotations

import unicodedata


def cells_of(text: str) -> int:
    """How many cells a printable text takes: two for a wide character, none for one that joins the one before."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in ("W", "F") for char in text)
    return len(text) + wide - sum(unicodedata.category(char) in ("Mn", "Me", "Cf") for char in text)


def fitted(text: str, cells: int, cut: str = "") -> str:
    """The text, or as much of its beginning as fits into so many cells together with the sign of a cut."""
    if cells_of(text) <= cells:
        return text
    while text and cells_of(text) + cells_of(cut) > cells:
        text = text[:-1]
    return text + cut if cells_of(text + cut) <= cells else ""
