"""Scores as text and as JSON, undefined ones included (the AUC of a class that a split lacks, for example)."""

from __future__ import annotations

import math
from typing import Any


def score_text(value: float, digits: int = 4, undefined: str = "-") -> str:
    """A score with a fixed number of digits, or the sign of an undefined one."""
    return f"{value:.{digits}f}" if math.isfinite(value) else undefined


def without_nan(record: Any) -> Any:
    """A record for JSON, which has no NaN and no infinity: such numbers become null, at any depth."""
    if isinstance(record, dict):
        return {name: without_nan(each) for name, each in record.items()}
    if isinstance(record, list | tuple):
        return [without_nan(each) for each in record]
    return None if isinstance(record, float) and not math.isfinite(record) else record
