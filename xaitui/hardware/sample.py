"""What the machine does at one moment, as records. What is not told is None, and is shown as "N/A", never as 0."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class HostSample:
    """Processors and memory; `ours` is this process, the runs it knows of, and the children of them all."""

    cores: tuple[float, ...]
    """Percent of each."""
    memory_used: int
    """Bytes that are not available to a new program."""
    memory_total: int
    """Bytes."""
    load: tuple[float, float, float] | None
    """Processes that want to run, over 1, 5 and 15 minutes."""
    our_processor: float
    """Percent of one core: 200 is two cores."""
    our_memory: int
    """Bytes; what processes share is counted with each."""

    @property
    def processor(self) -> float | None:
        """Percent of all cores together."""
        return sum(self.cores) / len(self.cores) if self.cores else None


@dataclass(frozen=True)
class GpuSample:
    """One GPU."""

    index: int
    """As the driver counts, in the order of the PCI bus."""
    uuid: str
    name: str
    hidden: bool | None
    """Whether CUDA_VISIBLE_DEVICES hides it from this process."""
    mig: bool
    """Whether it is divided into instances, in which case its utilisation is not told."""
    utilisation: int | None = None
    """Percent."""
    memory_used: int | None = None
    """Bytes."""
    memory_total: int | None = None
    """Bytes."""
    ours: int | None = None
    """Bytes of this process, the runs it knows of, and the children of them all."""
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
    """Why it tells nothing."""


@dataclass(frozen=True)
class Sample:
    """The machine at one moment."""

    time: float
    """Wall clock, seconds since 1970."""
    host: HostSample
    gpus: tuple[GpuSample, ...]
    problem: str = ""
    """Why the driver tells of no GPU."""
