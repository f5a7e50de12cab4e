"""Running sums of an epoch, kept on the device so that updates never wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from xaitui.catalog.records import Task
from xaitui.training.numerics import Numerics
from xaitui.training.observer import Observer

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Means:
    """Means over some images."""

    loss: float
    accuracy: float
    images: int


class Meter:
    """Sums loss and correct predictions over an epoch, and over the window since the last journal line."""

    def __init__(self, task: Task, numerics: Numerics, clock: Callable[[], float] = time.monotonic) -> None:
        self._task = task
        self._clock = clock
        self._epoch = torch.zeros(3, dtype=numerics.sum_dtype, device=numerics.device)
        self._window = self._epoch.clone()
        self._images, self._since, self._waited = 0, clock(), 0.0

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Add a batch: its mean loss (), logits (B, C) and true labels (B,) or (B, L)."""
        if self._task is Task.MULTI_LABEL:
            right = ((logits > 0) == labels.bool()).float().mean(dim=1).sum()
        else:
            right = (logits.argmax(dim=1) == labels).sum()
        images = len(labels)
        count = torch.full_like(loss, images, dtype=self._epoch.dtype)  # filled on the device; a copy would wait for it
        row = torch.stack([loss.to(self._epoch) * images, right.to(self._epoch), count])
        self._epoch += row
        self._window += row
        self._images += images

    def waiting_for(self, batches: Iterable[Batch], observer: Observer) -> Iterator[Batch]:
        """Yield `batches`, and measure the time spent waiting for each."""
        source = iter(batches)
        while True:
            began = self._clock()
            with observer.phase("data"):
                batch = next(source, None)
            if batch is None:
                return
            self._waited += self._clock() - began
            yield batch

    def window(self) -> tuple[Means, float, float]:
        """Means, images per second, and share of the time (0 to 1) spent waiting for data, all since the last call.

        Waits for the device.
        """
        means = self._means(self._window)
        seconds = max(self._clock() - self._since, 1e-9)
        speed, waiting = self._images / seconds, min(1.0, self._waited / seconds)
        self._window.zero_()
        self.restart_clock()
        return means, speed, waiting

    def epoch(self) -> Means:
        """Return the means of the epoch and reset its sums; waits for the device."""
        means = self._means(self._epoch)
        self._epoch.zero_()
        return means

    def restart_clock(self) -> None:
        """Measure speed from now on, to exclude an evaluation or a checkpoint."""
        self._images, self._since, self._waited = 0, self._clock(), 0.0

    def state(self) -> dict[str, Any]:
        """The sums, as tensors on the CPU."""
        return {"epoch": self._epoch.cpu(), "window": self._window.cpu()}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore the sums returned by `state`."""
        self._epoch.copy_(state["epoch"])
        self._window.copy_(state["window"])

    @staticmethod
    def _means(sums: Tensor) -> Means:
        loss, right, images = sums.tolist()
        return Means(loss / images, right / images, int(images)) if images else Means(float("nan"), float("nan"), 0)
