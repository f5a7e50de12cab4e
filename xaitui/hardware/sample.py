"""Samples of hardware use. Unknown values are None and are shown as "N/A", never as 0."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class HostSample:
    """CPUs and memory; `ours` is this process, the known runs, and all their children."""

    cores: tuple[float, ...]
    """Percent of each."""
    memory_used: int
    """Bytes in use, not available to a new program."""
    memory_total: int
    """Bytes."""
    load: tuple[float, float, float] | None
    """Load averages over 1, 5 and 15 minutes."""
    our_processor: float
    """Percent of one core: 200 is two cores."""
    our_memory: int
    """Bytes; shared memory is counted for each process."""

    @property
    def processor(self) -> float | None:
        """Percent of all cores together."""
        return sum(self.cores) / len(self.cores) if self.cores else None


@dataclass(frozen=True)
class GpuSample:
    """One GPU."""

    index: int
    """Index of the driver, in PCI bus order."""
    uuid: str
    name: str
    hidden: bool | None
    """Whether CUDA_VISIBLE_DEVICES hides it from this process."""
    mig: bool
    """Whether it is divided into MIG instances, in which case its utilisation is unknown."""
    utilisation: int | None = None
    """Percent."""
    memory_used: int | None = None
    """Bytes."""
    memory_total: int | None = None
    """Bytes."""
    ours: int | None = None
    """Bytes of this process, the known runs, and all their children."""
    others: int | None = None
    """Bytes of all other processes."""
    temperature: int | None = None
    """Degrees Celsius."""
    power: float | None = None
    """Watts."""
    power_limit: float | None = None
    """Watts."""
    clock: int | None = None
    """MHz of the multiprocessors."""
    clock_max: int | None = None
    """MHz."""
    problem: str = ""
    """Why it cannot be queried."""


@dataclass(frozen=True)
class Sample:
    """State of the machine at one time."""

    time: float
    """Wall clock, seconds since 1970."""
    host: HostSample
    gpus: tuple[GpuSample, ...]
    problem: str = ""
    """Why no GPU is reported."""
