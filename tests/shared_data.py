"""Real data files, which lie beside the repository; the tests that need them are skipped where they are absent."""

from __future__ import annotations

from pathlib import Path

import pytest

_SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared_file(*parts: str) -> Path:
    """Return the path of a real data file or folder, for example ``shared_file("mnist")``, or skip the test."""
    path = _SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"real data file {'/'.join(parts)} is not here")
    return path
