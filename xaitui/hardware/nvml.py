"""What the NVIDIA driver tells: opened once, asked often; a question that it does not answer has the answer None."""

from __future__ import annotations

import os
from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pynvml

from xaitui.hardware.sample import GpuSample
from xaitui.hardware.visible import Identity, find_hidden

_FIRST_NAMESPACE = 0xEFFFFFFC
"""The inode that Linux gives the pid namespace of the machine itself."""


class Nvml:
    """The driver, from its opening to `close`; where there is none, or it goes away, `problem` says so."""

    def __init__(self) -> None:
        self.problem = ""
        self.version = ""
        self._devices: list[_Device] = []
        self._open = False
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            self.problem = f"no NVIDIA driver ({error})"
            return
        self._open = True
        try:
            self.version = pynvml.nvmlSystemGetDriverVersion()
            self._devices = _find_devices()
            self.problem = "" if self._devices else "the NVIDIA driver knows no GPU"
        except pynvml.NVMLError as error:
            self.problem = f"the NVIDIA driver answers with an error ({error})"

    def read(self, ours: Container[int]) -> tuple[GpuSample, ...]:
        """Ask every GPU, whether CUDA_VISIBLE_DEVICES shows it or not; `ours` are the pids of our processes."""
        try:
            return tuple(device.read(ours) for device in self._devices)
        except pynvml.NVMLError as error:
            self.problem = f"the NVIDIA driver went away ({error})"
            self._devices = []
            return ()

    def close(self) -> None:
        """Let go of the driver."""
        if self._open:
            self._open = False
            try:
                pynvml.nvmlShutdown()
            except pynvml.NVMLError as error:
                self.problem = f"the NVIDIA driver went away ({error})"


@dataclass(frozen=True)
class _Device:
    handle: Any
    identity: Identity
    hidden: bool | None
    mig: bool

    def read(self, ours: Container[int]) -> GpuSample:
        """Ask for everything.

        Raises:
            pynvml.NVMLError: the driver is gone.
        """
        who = (self.identity.index, self.identity.uuid, self.identity.name, self.hidden, self.mig)
        try:
            return GpuSample(*who, **self._values(ours))
        except pynvml.NVMLError_GpuIsLost as error:
            return GpuSample(*who, problem=str(error))

    def _values(self, ours: Container[int]) -> dict[str, Any]:
        busy = None if self.mig else self._ask(pynvml.nvmlDeviceGetUtilizationRates)
        memory = self._ask(pynvml.nvmlDeviceGetMemoryInfo)
        power = self._ask(pynvml.nvmlDeviceGetPowerUsage)
        limit = self._ask(pynvml.nvmlDeviceGetEnforcedPowerLimit)
        our_memory, others_memory = self._shares(ours)
        return {
            "utilisation": busy and busy.gpu,
            "memory_used": memory and memory.used,
            "memory_total": memory and memory.total,
            "ours": our_memory,
            "others": others_memory,
            "temperature": self._ask(pynvml.nvmlDeviceGetTemperature, pynvml.NVML_TEMPERATURE_GPU),
            "power": None if power is None else power / 1000,
            "power_limit": None if limit is None else limit / 1000,
            "clock": self._ask(pynvml.nvmlDeviceGetClockInfo, pynvml.NVML_CLOCK_SM),
            "clock_max": self._ask(pynvml.nvmlDeviceGetMaxClockInfo, pynvml.NVML_CLOCK_SM),
        }

    def _shares(self, ours: Container[int]) -> tuple[int | None, int | None]:
        """Bytes of our processes and of the others."""
        compute = self._ask(pynvml.nvmlDeviceGetComputeRunningProcesses)
        if compute is None:
            return None, None
        graphics = self._ask(pynvml.nvmlDeviceGetGraphicsRunningProcesses) or []
        # A program that computes and draws is in both lists; one on several MIG instances is there once for each.
        used = {(each.pid, each.gpuInstanceId): each.usedGpuMemory for each in [*graphics, *compute]}
        here = {pid for pid, _ in used if pid in ours}
        if not here and _in_container():  # the driver may count processes by numbers that mean nothing here
            return None, None
        return (
            _sum([memory for (pid, _), memory in used.items() if pid in here]),
            _sum([memory for (pid, _), memory in used.items() if pid not in here]),
        )

    def _ask(self, question: Callable[..., Any], *details: object) -> Any:
        """An answer, or None where the GPU has none: a kind that lacks it, MIG, a right that is missing."""
        try:
            return question(self.handle, *details)
        except (
            pynvml.NVMLError_DriverNotLoaded,
            pynvml.NVMLError_GpuIsLost,
            pynvml.NVMLError_LibRmVersionMismatch,
            pynvml.NVMLError_Uninitialized,
        ):
            raise
        except pynvml.NVMLError:
            return None


def _find_devices() -> list[_Device]:
    handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
    found = [
        Identity(index, pynvml.nvmlDeviceGetUUID(handle), pynvml.nvmlDeviceGetName(handle), _instances(handle))
        for index, handle in enumerate(handles)
    ]
    hidden = find_hidden(found, os.environ)
    return [_Device(*each, _has_mig(each[0])) for each in zip(handles, found, hidden, strict=True)]


def _has_mig(handle: object) -> bool:
    try:
        current, _ = pynvml.nvmlDeviceGetMigMode(handle)
    except pynvml.NVMLError:
        return False
    return bool(current == pynvml.NVML_DEVICE_MIG_ENABLE)


def _instances(handle: object) -> tuple[str, ...]:
    """The UUIDs of the MIG instances; the numbers of those that do not exist answer with an error."""
    uuids = []
    for number in range(pynvml.nvmlDeviceGetMaxMigDeviceCount(handle) if _has_mig(handle) else 0):
        try:
            uuids.append(pynvml.nvmlDeviceGetUUID(pynvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, number)))
        except pynvml.NVMLError:
            continue
    return tuple(uuids)


def _sum(sizes: list[int | None]) -> int | None:
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None


def _in_container() -> bool:
    """Whether the pids of this process are not those of the machine."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino != _FIRST_NAMESPACE
    except OSError:
        return False
