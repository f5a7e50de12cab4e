"""Formatting of sample values; unknown values are N/A."""

from __future__ import annotations

from xaitui.hardware.sample import GpuSample, HostSample

NOT_TOLD = "N/A"


def number(value: float | None, digits: int = 0) -> str:
    """Format a value with a number of decimals."""
    return NOT_TOLD if value is None else f"{value:.{digits}f}"


def with_unit(text: str, unit: str) -> str:
    """Text that others make here, and its unit; what is not told has none."""
    return text if text == NOT_TOLD else f"{text} {unit}"


def percent(value: float | None) -> str:
    """``87 %``."""
    return with_unit(number(value), "%")


def gibibytes(size: float | None) -> str:
    """Bytes in GiB, without the unit: ``12.3``."""
    return number(None if size is None else size / 2**30, 1)


def memory(sample: GpuSample | HostSample) -> str:
    """Used and total in GiB, without the unit: ``12.3/80.0``."""
    return _of(gibibytes(sample.memory_used), gibibytes(sample.memory_total))


def temperature(gpu: GpuSample) -> str:
    """``61 C``."""
    return with_unit(number(gpu.temperature), "C")


def power(gpu: GpuSample) -> str:
    """Watts and their limit, without the unit: ``312/700``."""
    return _of(number(gpu.power), number(gpu.power_limit))


def clock(gpu: GpuSample) -> str:
    """MHz and the most they can be, without the unit: ``1755/1980``."""
    return _of(number(gpu.clock), number(gpu.clock_max))


def load(host: HostSample) -> str:
    """Over 1, 5 and 15 minutes: ``1.22 0.90 0.71``."""
    return NOT_TOLD if host.load is None else " ".join(f"{value:.2f}" for value in host.load)


def cores(host: HostSample) -> str:
    """``16 cores``."""
    count = len(host.cores)
    return f"{count} core{'' if count == 1 else 's'}"


def marks(gpu: GpuSample) -> str:
    """Return remarks on a GPU; empty for most."""
    hidden = {True: "hidden by CUDA_VISIBLE_DEVICES", None: "CUDA_VISIBLE_DEVICES may hide it", False: ""}[gpu.hidden]
    return ", ".join(mark for mark in (hidden, "MIG" if gpu.mig else "", gpu.problem) if mark)


def share(part: float | None, whole: float | None) -> float | None:
    """Return a fraction from 0 to 1; None if a value is unknown."""
    return None if part is None or not whole else min(1.0, max(0.0, part / whole))


def _of(part: str, whole: str) -> str:
    return part if whole == NOT_TOLD else f"{part}/{whole}"
