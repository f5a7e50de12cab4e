"""Faster training steps with torch.compile and CUDA graphs: measured when a run is created, and kept when it resumes.

Only forward and backward in training are compiled or captured. Evaluation, averaging and checkpoints use the plain
module, which shares its weights with the compiled one.
"""

from __future__ import annotations

import contextlib
import logging
import math
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

import torch
from torch import Tensor

from xaitui.config.units import format_duration
from xaitui.hardware.compiler import compiler_problem
from xaitui.stop import Stop, StoppedError
from xaitui.training.batch_order import steps_per_epoch
from xaitui.training.components import Parts
from xaitui.training.cuda_graph import GraphedForward, refuse_other_gradient
from xaitui.training.memory import free, is_out_of_memory
from xaitui.training.numerics import FiniteGuard, wait_for
from xaitui.training.resolve import Resolved
from xaitui.training.step import TrainingStep, prepared_batch

SHORTEST = {"compile": 20.0, "cuda_graph": 2.0}
"""Seconds of training below which a way is not tried. With an empty cache the smallest networks took 47 s or more to
compile, on two busy cores; idle ones are given half."""
LEAST_GAIN = 0.02
"""Smallest gain, as a share of a step's time: less is within measurement noise, and each resume compiles again."""
LEAST_WON = 0.8
"""Share of the turns that the compiled model must win: on a busy machine the medians alone are unreliable."""
TURNS = 10
"""Timed steps of each model, in alternation, so that a change in the machine's load affects both."""
FIRST_LOOK = 3
"""Timed steps before anything is compiled, after one untimed step."""

FAILURES = (RuntimeError, OSError, subprocess.SubprocessError, MemoryError)
"""Errors of graphs that cannot be compiled, of compilers and of full disks; torch's own errors are subclasses."""


@dataclass(frozen=True)
class Way:
    """A faster way to compute forward and backward, with a preparation that takes time."""

    name: str
    """The field of `Resolved` that records its use."""
    done: str
    doing: str


COMPILED = Way("compile", "compiled", "compiling")
GRAPHED = Way("cuda_graph", "captured in CUDA graphs", "capturing")


@dataclass(frozen=True)
class Choice:
    """Decision for or against a way, and the reason."""

    chosen: bool
    reason: str


@dataclass(frozen=True)
class Timing:
    """Measured seconds of forward and backward of a step."""

    plain: float
    fast: float
    warm_up: float
    """Seconds of compiling or capturing."""
    won: float = 1.0
    """Share of the turns, 0 to 1, in which the new way was faster."""

    @staticmethod
    def of(turns: Sequence[tuple[float, float]], warm_up: float) -> Timing:
        """Of steps that were timed in turns: plain, fast."""
        plain, fast = (median(seconds) for seconds in zip(*turns, strict=True))
        return Timing(plain, fast, warm_up, won=sum(one > other for one, other in turns) / len(turns))


def too_short(steps: int, plain: float, way: Way = COMPILED) -> Choice | None:
    """The choice for a run too short to benefit from compiling; None for a longer one.

    Args:
        steps: of the whole run.
        plain: seconds of forward and backward of a step.
        way: what is to be tried.
    """
    whole = steps * plain
    if whole >= SHORTEST[way.name]:
        return None
    return Choice(
        False,
        f"not {way.done}: forward and backward of the whole run take about {format_duration(whole)}, "
        f"and {way.doing} takes {format_duration(SHORTEST[way.name])} or more",
    )


def judge(steps: int, timing: Timing, way: Way = COMPILED) -> Choice:
    """Choose the new way if its steps are faster; its preparation time is already spent either way."""
    times = (
        f"forward and backward take {1000 * timing.fast:.1f} ms a step {way.done}, {1000 * timing.plain:.1f} ms "
        f"plain; {way.doing} took {format_duration(timing.warm_up)}"
    )
    gain = timing.plain - timing.fast
    if gain < LEAST_GAIN * timing.plain or timing.won < LEAST_WON:
        return Choice(False, f"not {way.done}, for that gains nothing: {times}")
    return Choice(True, f"{way.done}: {times}, and the run is to take {format_duration(steps * gain)} less")


def settle_compile(
    parts: Parts, resolved: Resolved, stop: Stop, say: Callable[[str], None], *, is_new: bool
) -> tuple[Parts, Resolved, str]:
    """Give the parts a compiled or captured model if the run uses one, or if a new run would gain from it.

    Weights, buffers and generators are not changed.

    Args:
        resolved: whether to compile; of a new run it is measured first whether that pays.
        say: told before something is compiled, which takes long.

    Returns:
        The parts, what is chosen, and a line about it for people; empty where nothing was to be chosen.

    Raises:
        StoppedError: a stop was asked for meanwhile.
    """
    if is_new:
        # CUDA graphs are a part of what --compile asks for, and exist on one kind of device.
        ways = [COMPILED, GRAPHED] if parts.numerics.device.type == "cuda" else [COMPILED]
        ways = ways if resolved.compile else []
    else:
        ways = [way for way in (COMPILED, GRAPHED) if getattr(resolved, way.name)]
    if not ways:
        return parts, resolved, ""
    best, reasons = parts, []
    fastest, used = math.inf, ""
    for way in ways:
        made, choice, seconds = _settled(way, parts, stop, say, is_new=is_new)
        if stop.now:
            raise StoppedError(stop.now)
        reasons.append(choice.reason)
        if choice.chosen and seconds < fastest:
            best, fastest, used = made, seconds, way.name
    reason = "; ".join(reasons)
    if used != COMPILED.name:
        torch.compiler.reset()
    told = {**resolved.reasons, "compile": reason} if is_new else resolved.reasons
    settled = replace(resolved, compile=used == COMPILED.name, cuda_graph=used == GRAPHED.name, reasons=told)
    return best, settled, reason


def _settled(
    way: Way, parts: Parts, stop: Stop, say: Callable[[str], None], *, is_new: bool
) -> tuple[Parts, Choice, float]:
    """Make the parts compute in that way; return them, the choice, and the seconds of a step."""
    try:
        with _quiet():
            return _chosen(way, parts, stop, say) if is_new else (*_as_before(way, parts, stop, say), 0.0)
    except FAILURES as error:
        free(parts.numerics.device)
        why = "there is not enough memory to try it" if is_out_of_memory(error) else _first_line(error)
        return parts, Choice(False, f"not {way.done}: {why}"), math.inf


def _chosen(way: Way, parts: Parts, stop: Stop, say: Callable[[str], None]) -> tuple[Parts, Choice, float]:
    training = parts.config.training
    if way is GRAPHED and parts.micro_batch < training.batch_size:
        # The gradients of a graph lie where those of its last replay lay; they cannot be added up.
        return parts, Choice(False, f"not {way.done}: the images of a step are computed in portions"), math.inf
    steps = training.epochs * steps_per_epoch(len(parts.train), training.batch_size)
    batch = prepared_batch(parts, 0)
    plain = _rehearsal(parts, *batch)
    plain()
    if choice := too_short(steps, median(plain() for _ in range(FIRST_LOOK)), way):
        return parts, choice, math.inf
    made, warm_up = _MAKERS[way.name](parts, stop, say)
    fast = _rehearsal(made, *batch)
    timing = Timing.of([(plain(), fast()) for _ in range(TURNS)], warm_up)
    return made, judge(steps, timing, way), timing.fast


def _as_before(way: Way, parts: Parts, stop: Stop, say: Callable[[str], None]) -> tuple[Parts, Choice]:
    if way is COMPILED and (problem := compiler_problem(parts.numerics.device.type)):
        return parts, Choice(False, f"the run was compiled, and here {problem.text}: {problem.remedy}")
    made, warm_up = _MAKERS[way.name](parts, stop, say)
    return made, Choice(True, f"{way.done}, as the run was made; that took {format_duration(warm_up)}")


def _compiled(parts: Parts, stop: Stop, say: Callable[[str], None]) -> tuple[Parts, float]:
    """The parts with their model compiled for each size of batch that the run has, and the seconds that it took."""
    say("compiling the model, which may take minutes")
    began = time.perf_counter()
    torch.compiler.reset()  # other runs of this process may have compiled the same code, which torch limits
    compiled = replace(parts, forward=torch.compile(parts.model, dynamic=False))
    with _workers():
        for number in (0, -1):
            if stop.now:
                raise StoppedError(stop.now)
            _rehearsal(compiled, *prepared_batch(parts, number))()
    return compiled, time.perf_counter() - began


def _graphed(parts: Parts, stop: Stop, say: Callable[[str], None]) -> tuple[Parts, float]:
    """The parts with forward and backward of a whole batch captured, and the seconds that it took."""
    began = time.perf_counter()
    inputs, targets = prepared_batch(parts, 0)
    graphed = replace(parts, forward=GraphedForward(parts, inputs))
    gradients = [_step(each).gradient(inputs, targets, parts.micro_batch) for each in (parts, graphed)]
    refuse_other_gradient(*gradients)
    return graphed, time.perf_counter() - began


_MAKERS = {COMPILED.name: _compiled, GRAPHED.name: _graphed}


def _step(parts: Parts) -> TrainingStep:
    return TrainingStep(parts, FiniteGuard(parts.numerics.device, parts.optimizer))


def _rehearsal(parts: Parts, inputs: Tensor, targets: Tensor) -> Callable[[], float]:
    """Return a function that computes a gradient, discards it, and returns the seconds taken."""
    device, step = parts.numerics.device, _step(parts)

    def rehearse() -> float:
        wait_for(device)
        began = time.perf_counter()
        step.rehearse(inputs, targets, parts.micro_batch)
        wait_for(device)
        return time.perf_counter() - began

    return rehearse


@contextlib.contextmanager
def _workers() -> Iterator[None]:
    """Allow inductor its own processes and threads within the block, and none afterwards."""
    import torch._inductor.async_compile as workers
    import torch._inductor.config as inductor

    inductor.compile_threads = inductor.decide_compile_threads()
    try:
        yield
    finally:
        workers.shutdown_compile_workers()
        inductor.compile_threads = 1  # later compilations, for smaller micro-batches, run in this process


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Suppress torch's warnings within the block."""
    torch_logger = logging.getLogger("torch")
    level = torch_logger.level
    torch_logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch_logger.setLevel(level)


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
