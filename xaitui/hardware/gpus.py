"""GPUs of this machine as reported by the driver; works without torch and without a driver."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from xaitui.hardware.nvml import Nvml


@dataclass(frozen=True)
class Gpu:
    """State of a GPU, for choosing between several."""

    uuid: str
    name: str
    free: int
    """Bytes."""
    total: int
    """Bytes."""
    utilisation: int | None
    """Percent; None if the driver does not report it (MIG)."""


@dataclass(frozen=True)
class Driver:
    """The driver's report, or why there is none."""

    gpus: tuple[Gpu, ...]
    version: str = ""
    problem: str = ""


def read_driver() -> Driver:
    """Query every GPU that reports its memory, whether or not CUDA_VISIBLE_DEVICES includes it."""
    with contextlib.closing(Nvml()) as nvml:
        gpus = tuple(
            Gpu(gpu.uuid, gpu.name, gpu.memory_total - gpu.memory_used, gpu.memory_total, gpu.utilisation)
            for gpu in nvml.read(ours=())
            if gpu.memory_total is not None and gpu.memory_used is not None
        )
        return Driver(gpus, nvml.version, nvml.problem)


def idlest(gpus: tuple[Gpu, ...]) -> Gpu:
    """Return the GPU with the most free memory, or the least busy one of those within 5 % of it."""
    most = max(gpu.free for gpu in gpus)
    roomy = [gpu for gpu in gpus if gpu.free >= 0.95 * most]
    return min(roomy, key=lambda gpu: (gpu.utilisation is None, gpu.utilisation or 0))
