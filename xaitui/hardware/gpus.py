"""The GPUs of this machine as the driver tells of them; works without torch and without a driver."""

from __future__ import annotations

from dataclasses import dataclass

import pynvml


@dataclass(frozen=True)
class Gpu:
    """One GPU at one moment."""

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
    """Ask the driver for every GPU, whether CUDA_VISIBLE_DEVICES shows it or not."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return Driver((), problem=f"no NVIDIA driver ({error})")
    try:
        version = pynvml.nvmlSystemGetDriverVersion()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        return Driver(tuple(_read(handle) for handle in handles), version)
    except pynvml.NVMLError as error:
        return Driver((), problem=f"the NVIDIA driver answers with an error ({error})")
    finally:
        pynvml.nvmlShutdown()


def _read(handle: object) -> Gpu:
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    try:
        utilisation: int | None = pynvml.nvmlDeviceGetUtilizationRates(handle).gpu
    except pynvml.NVMLError:
        utilisation = None
    return Gpu(
        pynvml.nvmlDeviceGetUUID(handle), pynvml.nvmlDeviceGetName(handle), memory.free, memory.total, utilisation
    )


def idlest(gpus: tuple[Gpu, ...]) -> Gpu:
    """The GPU with the most free memory; where several are within 5 %, the least busy of them."""
    most = max(gpu.free for gpu in gpus)
    roomy = [gpu for gpu in gpus if gpu.free >= 0.95 * most]
    return min(roomy, key=lambda gpu: (gpu.utilisation is None, gpu.utilisation or 0))
