"""The engine as a user gets it, without a run directory: what all benchmarks that train go through."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, NoReturn

import torch

from xaitui.config.resolve import build_config
from xaitui.events import Evaluated, StepLogged
from xaitui.jobs.prepare import Prepared, prepare
from xaitui.stop import Stop
from xaitui.training.trainer import Trainer


class NeverDue:
    """Where no checkpoint goes."""

    def due(self, *, epoch_end: bool) -> bool:
        """Never."""
        return False

    def save(self, trainer: Trainer) -> NoReturn:
        """Not asked for by a trainer that nobody pauses."""
        raise AssertionError("nothing is due")


@dataclass(frozen=True)
class Training:
    """What is trained in one measurement."""

    model: str
    batch_size: int
    images: Mapping[str, int]
    """How many, by device, so that it takes a few seconds; it can be measured where it has a number."""

    @property
    def name(self) -> str:
        """As it is chosen with --cases."""
        return f"{self.model}/{self.batch_size}"

    def count(self, device: str, wanted: int = 0) -> int:
        """Images of one measurement that fill their batches, two or more: so many as are wanted, or its own number."""
        return self.batch_size * max(2, (wanted or self.images[device]) // self.batch_size)

    def settings(self, data: Path, device: str) -> dict[str, Any]:
        """An epoch of it on an own .npz, all else at the defaults."""
        return {
            "data.dataset": str(data),
            "model.name": self.model,
            "training.batch_size": self.batch_size,
            "training.epochs": 1,
            "run.device": device,
        }


SIMPLE_CNN = (
    Training("simple-cnn", 32, {"cpu": 2_048, "cuda": 32_768}),
    Training("simple-cnn", 256, {"cpu": 3_072, "cuda": 51_200}),
)
RESNET18 = Training("resnet18", 128, {"cpu": 256, "cuda": 25_600})
"""With the small stem at 28 px."""


def silent(words: str) -> None:
    """Say nothing."""


def prepared(settings: Mapping[str, Any]) -> Prepared:
    """A run that is ready for its first step, of some settings by dotted path and the defaults.

    Raises:
        XaituiError: a setting is wrong, or its data is not here.
    """
    return prepare(build_config(settings), Stop(), silent)


def epoch_speed(run: Prepared) -> float:
    """Train for an epoch and return its images a second.

    The clock runs from the first step that the journal has a line of to the last one, for each of which the device is
    waited for: what a first step does once, and the evaluation, are not counted. The images must fill their batches.
    """
    training = takewhile(lambda event: not isinstance(event, Evaluated), run.trainer.fit(Stop(), NeverDue()))
    lines = [(event.step, time.perf_counter()) for event in training if isinstance(event, StepLogged)]
    (first, began), (last, ended) = lines[0], lines[-1]
    return (last - first) * run.config.training.batch_size / (ended - began)


def refuse_without_gpu(device: str) -> None:
    """End the program where a GPU is asked for that is not here."""
    if device == "cuda" and not torch.cuda.is_available():
        raise SystemExit(
            "--device cuda: torch sees no GPU on this machine; without the option the processor is measured"
        )
