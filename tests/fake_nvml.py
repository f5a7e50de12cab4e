"""A stand-in for the module `pynvml` where there is no driver: made GPUs, and the real module's errors and names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pynvml
import pytest

GIB = 2**30


@dataclass
class FakeGpu:
    """A GPU; an error in the place of a value is raised when the value is asked for."""

    uuid: str = "GPU-1111"
    name: str = "NVIDIA H100 80GB HBM3"
    utilisation: Any = 87
    memory: Any = (13 * GIB, 80 * GIB)
    temperature: Any = 61
    power: Any = 312_000
    limit: Any = 700_000
    clock: Any = 1755
    clock_max: Any = 1980
    compute: Any = ()
    """Pairs of a pid and its bytes."""
    graphics: Any = ()
    mig: Any = field(default_factory=lambda: pynvml.NVMLError_NotSupported())
    instances: tuple[str, ...] = ()


class FakeNvml:
    """What the package uses of pynvml; all else comes from the real one."""

    def __init__(self, gpus: Sequence[FakeGpu], error: Exception | None = None) -> None:
        self.gpus = gpus
        self.error = error
        """What every question is answered with, once there is one."""
        self.opened = 0

    def install(self, monkeypatch: pytest.MonkeyPatch) -> FakeNvml:
        """Put it in the place of the real one."""
        monkeypatch.setattr("xaitui.hardware.nvml.pynvml", self)
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(pynvml, name)

    def nvmlInit(self) -> None:  # noqa: N802 -- the library's names
        self.opened += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.opened -= 1

    def nvmlSystemGetDriverVersion(self) -> str:  # noqa: N802
        return str(self._tell("570.124"))

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return int(self._tell(len(self.gpus)))

    def nvmlDeviceGetHandleByIndex(self, index: int) -> FakeGpu:  # noqa: N802
        return self.gpus[index]

    def nvmlDeviceGetUUID(self, handle: FakeGpu | str) -> str:  # noqa: N802
        return handle if isinstance(handle, str) else handle.uuid

    def nvmlDeviceGetName(self, handle: FakeGpu) -> str:  # noqa: N802
        return handle.name

    def nvmlDeviceGetMigMode(self, handle: FakeGpu) -> Any:  # noqa: N802
        return self._tell(handle.mig)

    def nvmlDeviceGetMaxMigDeviceCount(self, handle: FakeGpu) -> int:  # noqa: N802
        return len(handle.instances) + 1

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle: FakeGpu, index: int) -> str:  # noqa: N802
        if index >= len(handle.instances):
            raise pynvml.NVMLError_NotFound
        return handle.instances[index]

    def nvmlDeviceGetUtilizationRates(self, handle: FakeGpu) -> Any:  # noqa: N802
        return SimpleNamespace(gpu=self._tell(handle.utilisation))

    def nvmlDeviceGetMemoryInfo(self, handle: FakeGpu) -> Any:  # noqa: N802
        used, total = self._tell(handle.memory)
        return SimpleNamespace(used=used, total=total, free=total - used)

    def nvmlDeviceGetTemperature(self, handle: FakeGpu, sensor: int) -> Any:  # noqa: N802
        assert sensor == pynvml.NVML_TEMPERATURE_GPU
        return self._tell(handle.temperature)

    def nvmlDeviceGetPowerUsage(self, handle: FakeGpu) -> Any:  # noqa: N802
        return self._tell(handle.power)

    def nvmlDeviceGetEnforcedPowerLimit(self, handle: FakeGpu) -> Any:  # noqa: N802
        return self._tell(handle.limit)

    def nvmlDeviceGetClockInfo(self, handle: FakeGpu, kind: int) -> Any:  # noqa: N802
        assert kind == pynvml.NVML_CLOCK_SM
        return self._tell(handle.clock)

    def nvmlDeviceGetMaxClockInfo(self, handle: FakeGpu, kind: int) -> Any:  # noqa: N802
        assert kind == pynvml.NVML_CLOCK_SM
        return self._tell(handle.clock_max)

    def nvmlDeviceGetComputeRunningProcesses(self, handle: FakeGpu) -> Any:  # noqa: N802
        return _processes(self._tell(handle.compute))

    def nvmlDeviceGetGraphicsRunningProcesses(self, handle: FakeGpu) -> Any:  # noqa: N802
        return _processes(self._tell(handle.graphics))

    def _tell(self, value: Any) -> Any:
        if self.error is not None:
            raise self.error
        if isinstance(value, Exception):
            raise value
        return value


def _processes(pairs: Sequence[tuple[int, int | None]]) -> list[Any]:
    return [SimpleNamespace(pid=pid, usedGpuMemory=used, gpuInstanceId=0xFFFFFFFF) for pid, used in pairs]
