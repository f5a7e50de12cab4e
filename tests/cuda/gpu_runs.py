"""What tests on a GPU share."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from tests.run_commands import command, environment
from xaitui.errors import ExitCode
from xaitui.events import Event, StepLogged
from xaitui.jobs.train.execution import Execution
from xaitui.stop import StopReason
from xaitui.training.memory import free
from xaitui.training.trainer import Trainer

SMALL: dict[str, Any] = {"training__batch_size": 8, "training__epochs": 2, "training__threads": 1}
EXACT: dict[str, Any] = {**SMALL, "training__deterministic": True}
"""What repeats bit for bit on a GPU, too."""


def quiet(text: str) -> None:
    """Says nothing of what takes long."""
    del text


def command_in_child(words: Sequence[str], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, with more in its environment. It is not forked: CUDA does not survive that."""
    return subprocess.run(
        command(*words), cwd=folder, env=environment() | more, capture_output=True, text=True, check=False
    )


def program_in_child(program: str, folder: Path, *words: str, **more: str) -> subprocess.Popen[str]:
    """A program in Python in a process of its own, begun."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *words],
        cwd=folder,
        env=environment() | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stop_at(execution: Execution, step: int) -> list[Event]:
    """Carry a run out up to a step, and stop it there."""
    events = []
    for event in execution.events():
        events.append(event)
        if isinstance(event, StepLogged) and event.step == step:
            execution.stop.ask(StopReason("a test", ExitCode.TERMINATED))
    return events


def losses(events: Sequence[Event]) -> list[float]:
    """Of the logged steps."""
    return [event.loss for event in events if isinstance(event, StepLogged)]


class NeverDue:
    """Saves nothing."""

    def due(self, *, epoch_end: bool) -> bool:
        """Never."""
        del epoch_end
        return False

    def save(self, trainer: Trainer) -> Event:
        """Not called."""
        raise AssertionError(f"nothing is due at step {trainer.at.step}")


class DeviceMemory:
    """The memory that torch takes of a GPU; of a processor nothing is measured and nothing limited."""

    def __init__(self, device: str) -> None:
        self._device = torch.device(device)
        self.is_real = self._device.type == "cuda"

    def peak(self, work: Callable[[], object]) -> int:
        """Bytes of tensors at the peak of some work."""
        self._run(work)
        return torch.cuda.max_memory_allocated(self._device) if self.is_real else 0

    def reserved(self, work: Callable[[], object]) -> int:
        """Bytes that torch held at the peak of some work, which is more than the tensors take."""
        self._run(work)
        return torch.cuda.max_memory_reserved(self._device) if self.is_real else 0

    @contextmanager
    def limited(self, most: int) -> Iterator[None]:
        """Let no more than so many bytes be had for the length of the block."""
        free(self._device)
        total = torch.cuda.get_device_properties(self._device).total_memory if self.is_real else 0
        if self.is_real:
            torch.cuda.set_per_process_memory_fraction(most / total, self._device)
        try:
            yield
        finally:
            if self.is_real:
                torch.cuda.set_per_process_memory_fraction(1.0, self._device)

    def _run(self, work: Callable[[], object]) -> None:
        free(self._device)
        if self.is_real:
            torch.cuda.reset_peak_memory_stats(self._device)
        work()
        if self.is_real:
            torch.cuda.synchronize(self._device)
