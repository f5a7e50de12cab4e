"""Durations, sizes and numbers to be found as people write them: ``7h50m``, ``10GiB``, ``auto``."""

from __future__ import annotations

import contextlib
import re
from fractions import Fraction

AUTO = "auto"
"""What people write for a number that is to be found; it is kept as 0."""

_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?", re.IGNORECASE)


def parse_auto(value: object) -> object:
    """Turn ``"auto"`` into 0; leave anything else as it is."""
    return 0 if isinstance(value, str) and value.strip().lower() == AUTO else value


def parse_duration(value: object) -> object:
    """Turn ``"7h50m"``, ``"90s"`` or ``"90"`` into seconds; leave what is not text as it is.

    Raises:
        ValueError: text that is no duration.
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
    """Seconds in the two units that matter: ``0.8s``, ``42s``, ``3m12s``, ``7h50m``, ``2d03h``."""
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
    """Turn ``"10GiB"`` or ``"500MB"`` into bytes; leave what is not text as it is.

    Raises:
        ValueError: text that is no size.
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
    """Bytes in binary units: ``512 B``, ``4.1 MiB``, ``12.6 GiB``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1023.95:  # what would be shown as 1024.0 is 1.0 of the next
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
