"""Freed memory that is kept: counted in page faults, in a process of its own, for nothing takes it back."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, threading
from xaitui.hardware.host_allocator import keep_freed_memory
{call}
import torch

def work():
    for count in range(60):
        if count == 40:  # until then blocks find their places
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        torch.ones(10 * 2**20)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

thread = threading.Thread(target=work)
thread.start()
thread.join()
"""
"""Takes and frees 40 MiB in a thread, as a run in the console does."""


def faults(call: str) -> int:
    done = subprocess.run([sys.executable, "-c", FAULTS.format(call=call)], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is glibc's")
def test_what_is_freed_is_taken_again_unless_memory_is_limited() -> None:
    plain = faults("")
    assert faults("keep_freed_memory()") < plain / 10
    limit = "resource.setrlimit(resource.RLIMIT_DATA, (1 << 40, 1 << 40))"
    assert faults(f"{limit}; keep_freed_memory()") > plain / 2
