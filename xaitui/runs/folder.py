"""The folder where runs are kept; imports nothing heavy, because the first frame waits for it."""

from __future__ import annotations

import os
from pathlib import Path


def runs_folder(given: Path | None = None) -> Path:
    """The folder that an option, the environment or the default names, as an absolute path."""
    return (given or Path(os.environ.get("XAITUI_RUNS_DIR") or "runs")).absolute()
