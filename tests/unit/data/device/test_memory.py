"""A set larger than the memory trains: `benchmarks/streaming_memory.py` at a size that takes seconds.

The limit is what torch itself takes (about 0.8 GiB of private memory, by build) and 48 MiB; the made set has 96 MiB.
So loading it fails, and streaming it, which needs the same few MiB for any number of images, does not. The scaling
to PathMNIST-224 (12.6 GiB of training images within 4 GiB) is in that file.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA counts private memory on Linux only")
def test_a_set_larger_than_the_memory_trains() -> None:
    size = ["--images", "8192", "--size", "64", "--headroom", "48MiB"]
    command = [sys.executable, "-m", "benchmarks.streaming_memory", *size]
    done = subprocess.run(command, capture_output=True, text=True, cwd=_ROOT, check=False)
    if "RLIMIT_DATA is not enforced here" in done.stderr:
        pytest.skip("RLIMIT_DATA is not enforced here")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["bytes"] == 2 * result["headroom"] == 96 << 20
    assert result["images"] == 8192
    assert result["whole"]["loaded"] == 0, "the limit would not have been one"
    assert result["peak"] - result["base"] < 48 << 20
