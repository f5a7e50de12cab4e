"""Trial import of torch and torchvision in a separate process, as a broken build may crash."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from xaitui.hardware.checks import Check, Level

SECONDS = 120.0
"""Seconds; enough for a first import from a slow network disk."""

_PROGRAM = """
import json
import torch
toolkits = {"CUDA": torch.version.cuda, "ROCm": getattr(torch.version, "hip", None)}
print(json.dumps([torch.__version__, " ".join(f"{name} {version}" for name, version in toolkits.items() if version)]),
      flush=True)
import torchvision
print(json.dumps([torchvision.__version__]), flush=True)
"""

_TOGETHER = "pip install --upgrade --force-reinstall torch torchvision"


@dataclass(frozen=True)
class TorchProbe:
    """Result of the imports."""

    torch: str = ""
    """Version; empty if it cannot be imported."""
    gpu_toolkit: str = ""
    """The CUDA or ROCm that torch was built with, and its version; empty for a build without."""
    torchvision: str = ""
    error: str = ""
    """Error of the first failed import."""


def probe_torch(environment: Mapping[str, str] | None = None, timeout: float = SECONDS) -> TorchProbe:
    """Import both in a new process, with the given environment or this one's."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _PROGRAM],
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            errors="replace",
            check=False,
        )
        output, error = done.stdout, _error(done.returncode, done.stderr)
    except subprocess.TimeoutExpired as expired:
        output = expired.stdout.decode() if isinstance(expired.stdout, bytes) else expired.stdout or ""
        error = f"the import took longer than {timeout:g} seconds"
    reports = [json.loads(line) for line in output.splitlines() if line.startswith("[") and line.endswith("]")]
    torch, toolkit = reports[0] if reports else ("", "")
    return TorchProbe(torch, toolkit, reports[1][0] if len(reports) > 1 else "", error)


def _error(code: int, words: str) -> str:
    if code < 0:
        return f"the import was ended by {signal.Signals(-code).name}"
    return (words.strip().splitlines() or ["no reason was given"])[-1] if code else ""


def check_torch(probe: TorchProbe) -> Check:
    """Check that torch can be imported."""
    if not probe.torch:
        return Check("torch", Level.FAIL, f"cannot be imported: {probe.error}", _TOGETHER)
    built = f"built with {probe.gpu_toolkit}" if probe.gpu_toolkit else "a build without CUDA"
    return Check("torch", Level.OK, f"{probe.torch}, {built}")


def check_torchvision(probe: TorchProbe) -> Check:
    """Check that torchvision fits torch: its compiled part requires the build it was made for."""
    if not probe.torch:
        return Check("torchvision", Level.FAIL, "needs torch first")
    if probe.torchvision:
        return Check("torchvision", Level.OK, f"{probe.torchvision}, works with this torch")
    if "No module named 'torchvision'" in probe.error:
        return Check("torchvision", Level.FAIL, "is not installed", "pip install torchvision")
    if not probe.gpu_toolkit:
        return Check(
            "torchvision",
            Level.FAIL,
            f"does not fit this torch, a build without CUDA: {probe.error}",
            f"{_TOGETHER} (both from the same index: the plain builds work without a GPU too)",
        )
    return Check("torchvision", Level.FAIL, f"does not fit torch {probe.torch}: {probe.error}", _TOGETHER)
