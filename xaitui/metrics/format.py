"""Scores as text and as JSON, undefined ones included (the AUC of a class that a split lacks, for example)."""

from __future__ import annotations

import math
from typing import Any


def score_text(value: float, digits: int = 4, undefined: str = "-") -> str:
    """Format a score with a fixed number of digits, or as undefined."""
    return f"{value:.{digits}f}" if math.isfinite(value) else undefined


def without_nan(record: Any) -> Any:
    """Replace NaN and infinity, which JSON lacks, by null at any depth."""
    if isinstance(record, dict):
        return {name: without_nan(each) for name, each in record.items()}
    if isinstance(record, list | tuple):
        return [without_nan(each) for each in record]
    return None if isinstance(record, float) and not math.isfinite(record) else record
