"""Samples of the machine at a steady pace, taken by a thread beside the screen and the training."""

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
"""Over which the first shares of the processors are taken."""
KEPT = 120
JOIN_SECONDS = 2.0
"""How long an end waits for a driver that does not answer."""


class Reader:
    """Takes one sample after another, in the thread that made it."""

    def __init__(self, pids: Callable[[], Set[int]] = frozenset) -> None:
        self._pids = pids
        self._nvml = Nvml()
        self._host = Host(pids())

    def read(self) -> Sample:
        """The machine now; shares of processors since the last reading."""
        host = self._host.read(self._pids())
        gpus = self._nvml.read(self._host.ours)
        return Sample(time.time(), host, gpus, self._nvml.problem)

    def close(self) -> None:
        """Let go of the driver."""
        self._nvml.close()


class Sampler:
    """Reads in a thread of its own from `start` to `stop`, and keeps the last two minutes' worth."""

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
        """The samples that are kept, the oldest first."""
        return tuple(self._samples)

    def start(self) -> None:
        """Begin; the first sample comes after a moment."""
        if self._thread is None:
            self._over.clear()
            self._thread = threading.Thread(target=self._work, name="sampler", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End; what was sampled stays."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(JOIN_SECONDS)
            self._thread = None

    def _work(self) -> None:
        with contextlib.closing(Reader(self._pids)) as reader:
            pause = FIRST_SECONDS
            while not self._over.wait(pause):
                with contextlib.suppress(OSError, psutil.Error, RuntimeError, ValueError):  # the next one may be told
                    self._samples.append(reader.read())
                pause = self._interval
