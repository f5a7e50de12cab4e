"""Where, when and with which versions a figure was measured; a figure without that cannot be repeated."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results"


def conditions(packages: Sequence[str]) -> dict[str, Any]:
    """The machine, the versions of some packages, the commit and the time."""
    return {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": " ".join([platform.system(), platform.machine(), *platform.libc_ver()]),
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in packages},
    }


def commit() -> str:
    """The commit that is checked out, with "+changes" where files of it differ."""
    git = ["git", "-C", str(FOLDER)]
    head = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True)
    status = [*git, "status", "--porcelain", "--untracked-files=no", ":/xaitui", ":/benchmarks/*.py"]
    changed = subprocess.run(status, capture_output=True, text=True, check=True)
    return head.stdout.strip() + ("+changes" if changed.stdout else "")


def processor() -> str:
    """Name of the processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def write_result(name: str, result: Mapping[str, Any]) -> Path:
    """Write a result beside the benchmarks, and return where."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(result, indent=2) + "\n")
    return path
