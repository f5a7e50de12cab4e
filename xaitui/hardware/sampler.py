"""Periodic hardware samples, taken in a thread."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Set

import psutil

from xaitui.hardware.host import Host
from xaitui.hardware.nvml import Nvml
from xaitui.hardware.sample import Sample

FIRST_SECONDS = 0.2
"""Seconds over which the first CPU shares are measured."""
KEPT = 120
JOIN_SECONDS = 2.0
"""Seconds to wait at the end for a driver that does not respond."""


class Reader:
    """Source of samples, for the thread that created it."""

    def __init__(self, pids: Callable[[], Set[int]] = frozenset) -> None:
        self._pids = pids
        self._nvml = Nvml()
        self._host = Host(pids())

    def read(self) -> Sample:
        """Sample the machine; CPU shares are since the last sample."""
        host = self._host.read(self._pids())
        gpus = self._nvml.read(self._host.ours)
        return Sample(time.time(), host, gpus, self._nvml.problem)

    def close(self) -> None:
        """Close the driver."""
        self._nvml.close()


class Sampler:
    """Background thread that samples from `start` to `stop` and keeps the last two minutes."""

    def __init__(self, pids: Callable[[], Set[int]] = frozenset, interval: float = 1.0) -> None:
        """Take the pids of processes that are ours besides this one, asked in the thread, and seconds."""
        self._pids = pids
        self._interval = interval
        self._samples: deque[Sample] = deque(maxlen=KEPT)
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def latest(self) -> Sample | None:
        """The newest sample; None before the first."""
        return self._samples[-1] if self._samples else None

    @property
    def history(self) -> tuple[Sample, ...]:
        """The kept samples, oldest first."""
        return tuple(self._samples)

    def start(self) -> None:
        """Start sampling; the first sample follows shortly."""
        if self._thread is None:
            self._over.clear()
            self._thread = threading.Thread(target=self._work, name="sampler", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop sampling; the samples are kept."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(JOIN_SECONDS)
            self._thread = None

    def _work(self) -> None:
        with contextlib.closing(Reader(self._pids)) as reader:
            pause = FIRST_SECONDS
            while not self._over.wait(pause):
                with contextlib.suppress(
                    OSError, psutil.Error, RuntimeError, ValueError
                ):  # the next sample may succeed
                    self._samples.append(reader.read())
                pause = self._interval
