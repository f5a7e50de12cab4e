"""Parsing and formatting of durations, sizes and ``auto``: ``7h50m``, ``10GiB``."""

from __future__ import annotations

import contextlib
import re
from fractions import Fraction

AUTO = "auto"
"""Spelling of a number that is chosen automatically; stored as 0."""

_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?", re.IGNORECASE)


def parse_auto(value: object) -> object:
    """Turn ``"auto"`` into 0; return anything else unchanged."""
    return 0 if isinstance(value, str) and value.strip().lower() == AUTO else value


def parse_duration(value: object) -> object:
    """Turn ``"7h50m"``, ``"90s"`` or ``"90"`` into seconds; return other types unchanged.

    Raises:
        ValueError: the text is not a duration.
    """
    if not isinstance(value, str):
        return value
    with contextlib.suppress(ValueError):
        return float(value)  # any number, as `repr` spells it
    match = _DURATION.fullmatch(value.strip().lower().replace(" ", ""))
    if match is None or not any(match.groups()):
        raise ValueError("write a duration as 7h50m, 90s or a number of seconds")
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def format_duration(seconds: float) -> str:
    """Format seconds in their two largest units: ``0.8s``, ``42s``, ``3m12s``, ``7h50m``, ``2d03h``."""
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d{hours:02}h"
    if hours:
        return f"{hours}h{minutes:02}m"
    return f"{minutes}m{rest:02}s" if minutes else f"{rest}s"


def parse_size(value: object) -> object:
    """Turn ``"10GiB"`` or ``"500MB"`` into bytes; return other types unchanged.

    Raises:
        ValueError: the text is not a size.
    """
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value.strip())
    if match is None:
        raise ValueError("write a size as 10GiB, 500MB or a number of bytes")
    number, prefix, binary = match.groups()
    base = 1024 if binary else 1000
    return int(Fraction(number) * base ** " KMGT".index(prefix.upper() or " "))  # exact where a float is not


def format_size(size: float) -> str:
    """Format bytes in binary units: ``512 B``, ``4.1 MiB``, ``12.6 GiB``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1023.95:  # what would be shown as 1024.0 is 1.0 of the next
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
