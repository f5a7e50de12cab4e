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
RESULTS = Path(os.environ.get("BENCHMARK_RESULTS") or FOLDER / "results")


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
        "gpu": gpu(),
        "versions": {name: version(name) for name in packages},
    }


def version(package: str) -> str:
    """The version of an installed package; empty where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def gpu() -> str:
    """Name, memory and driver of the GPUs, as nvidia-smi tells them; empty where there is none."""
    query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(query, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def commit() -> str:
    """The commit that is checked out, with "+changes" where files of it differ; empty where git cannot tell."""
    git = ["git", "-C", str(FOLDER)]
    status = [*git, "status", "--porcelain", "--untracked-files=no", ":/xaitui", ":/benchmarks/*.py"]
    try:
        head = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run(status, capture_output=True, text=True, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
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
    """Write a result beside the benchmarks, or into $BENCHMARK_RESULTS, and return where."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(result, indent=2) + "\n")
    return path
