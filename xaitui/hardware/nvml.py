"""Access to the NVIDIA driver, opened once and queried often; unsupported queries return None."""

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
"""Inode of the machine's initial pid namespace on Linux."""


class Nvml:
    """The driver, open until `close`; `problem` is set if it is missing or fails."""

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
        """Query every GPU, whether or not CUDA_VISIBLE_DEVICES includes it; `ours` are the pids of our processes."""
        try:
            return tuple(device.read(ours) for device in self._devices)
        except pynvml.NVMLError as error:
            self.problem = f"the NVIDIA driver went away ({error})"
            self._devices = []
            return ()

    def close(self) -> None:
        """Close the driver."""
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
        """Return the bytes used by our processes and by others."""
        compute = self._ask(pynvml.nvmlDeviceGetComputeRunningProcesses)
        if compute is None:
            return None, None
        graphics = self._ask(pynvml.nvmlDeviceGetGraphicsRunningProcesses) or []
        # A program with compute and graphics is in both lists, and one on several MIG instances is listed for each.
        used = {(each.pid, each.gpuInstanceId): each.usedGpuMemory for each in [*graphics, *compute]}
        here = {pid for pid, _ in used if pid in ours}
        if not here and _in_container():  # the driver may report pids of another namespace
            return None, None
        return (
            _sum([memory for (pid, _), memory in used.items() if pid in here]),
            _sum([memory for (pid, _), memory in used.items() if pid not in here]),
        )

    def _ask(self, question: Callable[..., Any], *details: object) -> Any:
        """Return the result of a query, or None if the GPU does not support or permit it."""
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
    """Return the UUIDs of the MIG instances; querying a missing instance is an error."""
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
    """Return whether this process is in a pid namespace of its own."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino != _FIRST_NAMESPACE
    except OSError:
        return False
