"""The GPUs of this machine as the driver tells of them; works without torch and without a driver."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from xaitui.hardware.nvml import Nvml


@dataclass(frozen=True)
class Gpu:
    """One GPU at one moment, as a choice between several needs it."""

    uuid: str
    name: str
    free: int
    """Bytes."""
    total: int
    """Bytes."""
    utilisation: int | None
    """Percent; None where the driver does not tell (MIG)."""


@dataclass(frozen=True)
class Driver:
    """What the driver says, or why it says nothing."""

    gpus: tuple[Gpu, ...]
    version: str = ""
    problem: str = ""


def read_driver() -> Driver:
    """Ask the driver once for every GPU that tells its memory, whether CUDA_VISIBLE_DEVICES shows it or not."""
    with contextlib.closing(Nvml()) as nvml:
        gpus = tuple(
            Gpu(gpu.uuid, gpu.name, gpu.memory_total - gpu.memory_used, gpu.memory_total, gpu.utilisation)
            for gpu in nvml.read(ours=())
            if gpu.memory_total is not None and gpu.memory_used is not None
        )
        return Driver(gpus, nvml.version, nvml.problem)


def idlest(gpus: tuple[Gpu, ...]) -> Gpu:
    """The GPU with the most free memory; where several are within 5 %, the least busy of them."""
    most = max(gpu.free for gpu in gpus)
    roomy = [gpu for gpu in gpus if gpu.free >= 0.95 * most]
    return min(roomy, key=lambda gpu: (gpu.utilisation is None, gpu.utilisation or 0))
