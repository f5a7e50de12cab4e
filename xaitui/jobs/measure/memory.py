"""The memory of a device as this process sees it: what a stretch of work took at its peak, and what there is."""

from __future__ import annotations

import contextlib
import re
import resource
from pathlib import Path

import psutil
import torch

from xaitui.hardware.capacity import available_memory
from xaitui.training.memory import MEMORY_ERRORS, TornUpdateError, free, is_out_of_memory

OF_DEVICE, OF_PROCESS = "device memory", "memory of the process"

STEP_ERRORS = (*MEMORY_ERRORS, TornUpdateError)
"""What is raised where memory runs out; `ran_out` tells it from the rest."""


def ran_out(error: BaseException) -> bool:
    """Whether an attempt failed for lack of memory, be it in the middle of an update."""
    return isinstance(error, TornUpdateError) or is_out_of_memory(error)


class MemoryMeter:
    """Measures device memory on CUDA, as torch reserves it; elsewhere the resident memory of the process."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._cuda = device.type == "cuda"

    @property
    def kind(self) -> str:
        """What is measured, in words."""
        return OF_DEVICE if self._cuda else OF_PROCESS

    def restart(self) -> None:
        """Begin a new stretch; what nothing holds any more is given back first."""
        free(self._device)
        if self._cuda:
            torch.cuda.reset_peak_memory_stats(self._device)
            return
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # proc(5): resets the peak

    def peak(self) -> int:
        """Bytes at the peak of the stretch; of the whole process where the system cannot begin anew."""
        if self._cuda:
            return torch.cuda.max_memory_reserved(self._device)
        with contextlib.suppress(OSError):
            found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
            if found:
                return int(found[1]) * 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    def available(self) -> int:
        """Bytes that this process could hold, with those that it does."""
        if self._cuda:
            return torch.cuda.mem_get_info(self._device)[0] + torch.cuda.memory_reserved(self._device)
        resident: int = psutil.Process().memory_info().rss
        return resident + available_memory()
