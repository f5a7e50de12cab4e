"""Profile of training steps: some steps are timed phase by phase, the next ones are traced."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile, record_function
from torch.utils.flop_counter import FlopCounterMode

from xaitui.event_codec import encode
from xaitui.events import Event, Note, Profiled
from xaitui.system.atomic_files import write_atomic
from xaitui.training.components import Parts
from xaitui.training.memory import MEMORY_ERRORS, is_out_of_memory
from xaitui.training.numerics import FiniteGuard, Numerics, wait_for
from xaitui.training.observer import Observer
from xaitui.training.step import TrainingStep, prepared_batch
from xaitui.training.trainer import Trainer

WARM_UP = 5
"""Unmeasured first steps, which reserve memory and choose kernels."""
STEPS = 10
"""Measured steps, and as many traced ones: their mean is stable, and a longer trace is slow to open."""

PHASES = ("data", "augmentation", "forward", "backward", "optimizer", "logging")
"""Phases of a step; the first one begins it."""
OTHER = "other"

PRODUCT_SIDES = {"cpu": 1024, "cuda": 8192}
"""Sides of the square matrices whose product keeps a device busy."""
PRODUCT_SECONDS = 0.3
TRACE = "trace.json"

_UNCOUNTABLE = (*MEMORY_ERRORS, TypeError, ValueError, AssertionError)
"""Errors of missing memory, of a model that cannot be copied, and of operations that torch cannot count."""


@dataclass(frozen=True)
class Window:
    """Numbers of warm-up, measured and traced steps."""

    warm_up: int
    measured: int
    traced: int

    @staticmethod
    def within(steps: int) -> Window:
        """The window in a run that has so many steps left; of a single one nothing can be both measured and traced."""
        warm_up = min(WARM_UP, steps // 3)
        half = max(1, min(STEPS, (steps - warm_up) // 2))
        return Window(warm_up, half, half)


class _Stage(Enum):
    WARM_UP = auto()
    MEASURED = auto()
    TRACED = auto()
    OVER = auto()


class Profile(Observer):
    """Observer of the first steps of a process.

    Times are measured without torch's profiler, which slows a step; other steps are traced afterwards. A GPU works
    asynchronously, so the measured steps wait for it at the end of each phase: the time of a phase is then that of its
    own work, and a step takes somewhat longer than usual. Traced steps do not wait. Time between two steps (an
    evaluation, a checkpoint, a pause) is not counted. The results of the run do not change.
    """

    def __init__(self, parts: Parts, window: Window, steps_per_epoch: int, folder: Path) -> None:
        """Write the results to `folder`, which is created."""
        self._parts = parts
        self._window = window
        self._steps_per_epoch = steps_per_epoch
        self._folder = folder
        self._stage = _Stage.WARM_UP if window.warm_up else _Stage.MEASURED
        self._steps_of_stage = 0
        self._began = 0.0
        self._step: dict[str, float] = {}
        self._seconds = dict.fromkeys((*PHASES, OTHER), 0.0)
        self._images = 0
        self._profiler: profile | None = None

    def phase(self, name: str) -> AbstractContextManager[object]:
        """Time a phase, or name it in the trace."""
        match self._stage:
            case _Stage.MEASURED:
                return self._timed(name)
            case _Stage.TRACED:
                return record_function(name)
        return super().phase(name)

    def step_done(self, epoch: int, step: int, images: int) -> Iterable[Event]:
        """Count a step; after the last one of the window return the results."""
        self._steps_of_stage += 1
        match self._stage:
            case _Stage.WARM_UP if self._steps_of_stage == self._window.warm_up:
                self._enter(_Stage.MEASURED)
            case _Stage.MEASURED:
                self._add(images)
                if self._steps_of_stage == self._window.measured:
                    self._enter(_Stage.TRACED)
                    self._profiler = _started(self._parts.numerics.device)
            case _Stage.TRACED:
                if self._steps_of_stage == self._window.traced or step % self._steps_per_epoch == 0:
                    return self._results(epoch, step)
        return ()

    def missing(self) -> Iterable[Event]:
        """A note if the steps ended before the profile was complete."""
        return () if self._stage is _Stage.OVER else (Note(message="there were too few steps for a profile"),)

    def close(self) -> None:
        """End a trace that was interrupted by a stop or an error."""
        if self._profiler is not None:
            self._profiler.stop()
            self._profiler = None

    def _enter(self, stage: _Stage) -> None:
        self._stage, self._steps_of_stage = stage, 0

    def _now(self) -> float:
        wait_for(self._parts.numerics.device)
        return time.perf_counter()

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        began = self._now()
        if name == PHASES[0]:  # also when a step is repeated after memory ran out
            self._began, self._step = began, {}
        yield
        self._step[name] = self._step.get(name, 0.0) + self._now() - began

    def _add(self, images: int) -> None:
        self._step[OTHER] = self._now() - self._began - sum(self._step.values())
        for name, seconds in self._step.items():
            self._seconds[name] += seconds
        self._images += images

    def _results(self, epoch: int, step: int) -> Iterator[Event]:
        self._enter(_Stage.OVER)
        problem = self._end_trace()
        found = self._found(epoch, step, trace="" if problem else f"{self._folder.name}/{TRACE}")
        try:
            write_atomic(self._folder / "profile.json", encode(found))
        except OSError as error:
            problem = problem or error.strerror or str(error)
        yield found
        if problem:
            yield Note(message=f"the profile could not be kept in {self._folder}: {problem}")

    def _end_trace(self) -> str:
        """Write the trace, or return why not; the profiler is released, because it would keep its file open."""
        wait_for(self._parts.numerics.device)
        profiler = self._profiler
        assert profiler is not None  # it was started with the stage
        self.close()
        try:
            _export(profiler, self._folder / TRACE)
        except OSError as error:
            return error.strerror or str(error)
        return ""

    def _found(self, epoch: int, step: int, trace: str) -> Profiled:
        steps = self._window.measured
        flop = _flop_per_image(self._parts) * self._images
        peak = product_speed(self._parts.numerics)
        return Profiled(
            time=time.time(),
            epoch=epoch,
            step=step,
            steps=steps,
            images=self._images,
            milliseconds={name: 1000 * seconds / steps for name, seconds in self._seconds.items()},
            flop=flop / steps,
            peak=peak,
            share_of_peak=flop / sum(self._seconds.values()) / peak,
            trace=trace,
        )


@contextmanager
def profiling(trainer: Trainer, folder: Path, *, wanted: bool) -> Iterator[Callable[[], Iterable[Event]]]:
    """Profile the first steps of a trainer within the block, if `wanted`.

    The yielded function must be called after the last step; it returns a note if there were too few steps.
    """
    if not wanted:
        yield tuple
        return
    steps = trainer.epochs * trainer.steps_per_epoch - trainer.at.step
    observer = Profile(trainer.parts, Window.within(steps), trainer.steps_per_epoch, folder)
    trainer.observe(observer)
    try:
        yield observer.missing
    finally:
        observer.close()
        trainer.observe(Observer())


def product_speed(numerics: Numerics) -> float:
    """Floating-point operations a second of a large matrix product, the fastest of a few tenths of a second.

    It is computed in the precision, with the threads and with the TF32 setting of the run; nan where the device has no
    memory for it.
    """
    device, side = numerics.device, PRODUCT_SIDES.get(numerics.device.type, 2048)
    try:
        generator = torch.Generator(device).manual_seed(0)
        one, other = (torch.rand(side, side, generator=generator, device=device).to(numerics.dtype) for _ in range(2))
        fastest, end = math.inf, time.perf_counter() + PRODUCT_SECONDS
        while (began := time.perf_counter()) < end:
            torch.mm(one, other)
            wait_for(device)
            fastest = min(fastest, time.perf_counter() - began)
    except MEMORY_ERRORS as error:
        if not is_out_of_memory(error):
            raise
        return math.nan
    return 2 * side**3 / fastest


def _flop_per_image(parts: Parts) -> float:
    """Operations of forward and backward, counted on a copy of the model; nan where that cannot be done."""
    try:
        model = deepcopy(parts.model)
        step = TrainingStep(
            replace(parts, model=model, forward=model), FiniteGuard(parts.numerics.device, parts.optimizer)
        )
        inputs, targets = prepared_batch(parts, 0)
        with FlopCounterMode(display=False) as counter:
            step.rehearse(inputs, targets, parts.micro_batch)
    except _UNCOUNTABLE:
        return math.nan
    return float(counter.get_total_flops()) / len(targets)


def _started(device: torch.device) -> profile:
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # otherwise it writes to the terminal, over the screen
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device.type == "cuda" else [])]
    profiler = profile(activities=activities)
    profiler.start()
    return profiler


def _export(profiler: profile, path: Path) -> None:
    """Write a trace that Chrome and Perfetto open.

    Raises:
        OSError: the folder cannot be made, or the disk is full.
    """
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    profiler.export_chrome_trace(str(path))
    if not path.exists():  # the exporter reports no error, and leaves a partial file
        path.with_name(f"{path.name}.tmp").unlink(missing_ok=True)
        raise OSError("the trace could not be written")
