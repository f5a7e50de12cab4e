"""Compiling the model with torch.compile: whether it pays is measured when a run is made, and kept for its resumes.

Only forward and backward in training are compiled. Evaluation, averaging and checkpoints use the plain module, whose
weights the compiled one shares.
"""

from __future__ import annotations

import contextlib
import logging
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
from xaitui.training.memory import free, is_out_of_memory
from xaitui.training.numerics import FiniteGuard, wait_for
from xaitui.training.order import steps_per_epoch
from xaitui.training.parts import Parts
from xaitui.training.resolve import Resolved
from xaitui.training.step import TrainingStep, prepared_batch

SHORTEST_WARM_UP = 20.0
"""Seconds: with an empty cache the smallest networks took 47 or more, on two busy cores; idle ones are given half."""
LEAST_GAIN = 0.02
"""Part of a step's time; less is within what two measurements of the same differ by, and each resume compiles again."""
LEAST_WON = 0.8
"""Part of the turns that the compiled model must have won: on a busy machine the medians alone are a coin's toss."""
TURNS = 10
"""Steps that are timed of each, in turns, so that a machine that gets slower meanwhile slows both."""
FIRST_LOOK = 3
"""Steps that are timed before anything is compiled, after one that is not."""

FAILURES = (RuntimeError, OSError, subprocess.SubprocessError, MemoryError)
"""What graphs that cannot be compiled, compilers and full disks raise; torch's own errors are among them."""


@dataclass(frozen=True)
class Choice:
    """Whether training computes with a compiled model, and why."""

    compile: bool
    reason: str


@dataclass(frozen=True)
class Timing:
    """What was measured, in seconds: forward and backward of a step."""

    plain: float
    compiled: float
    warm_up: float
    """All that compiling took."""
    won: float = 1.0
    """Part of the turns, 0 to 1, in which the compiled model was the faster one."""

    @staticmethod
    def of(turns: Sequence[tuple[float, float]], warm_up: float) -> Timing:
        """Of steps that were timed in turns: plain, compiled."""
        plain, compiled = (median(seconds) for seconds in zip(*turns, strict=True))
        return Timing(plain, compiled, warm_up, won=sum(one > other for one, other in turns) / len(turns))


def too_short(steps: int, plain: float) -> Choice | None:
    """The choice for a run that is over before anything could be compiled; None for a longer one.

    Args:
        steps: of the whole run.
        plain: seconds of forward and backward of a step.
    """
    whole = steps * plain
    if whole >= SHORTEST_WARM_UP:
        return None
    return Choice(False, f"not compiled: forward and backward of the whole run take about {format_duration(whole)}, "
                         f"and compiling takes {format_duration(SHORTEST_WARM_UP)} or more")  # fmt: skip


def judge(steps: int, timing: Timing) -> Choice:
    """Keep the compiled model if the steps to come are faster with it; the time of compiling is spent either way."""
    times = (f"forward and backward take {1000 * timing.compiled:.1f} ms a step compiled, {1000 * timing.plain:.1f} ms "
             f"plain; compiling took {format_duration(timing.warm_up)}")  # fmt: skip
    gain = timing.plain - timing.compiled
    if gain < LEAST_GAIN * timing.plain or timing.won < LEAST_WON:
        return Choice(False, f"not compiled, for that gains nothing: {times}")
    return Choice(True, f"compiled: {times}, and the run is to take {format_duration(steps * gain)} less")


def settle_compile(
    parts: Parts, resolved: Resolved, stop: Stop, say: Callable[[str], None], *, is_new: bool
) -> tuple[Parts, Resolved, str]:
    """Give the parts a compiled model where the run has one, or is to have one and gains by it.

    Weights, buffers and generators are left as they are.

    Args:
        resolved: whether to compile; of a new run it is measured first whether that pays.
        say: told before something is compiled, which takes long.

    Returns:
        The parts, what is chosen, and a line about it for people; empty where nothing was to be chosen.

    Raises:
        StoppedError: a stop was asked for meanwhile.
    """
    if not resolved.compile:
        return parts, resolved, ""
    try:
        with _quiet():
            compiled, choice = _chosen(parts, stop, say) if is_new else _as_before(parts, stop, say)
    except FAILURES as error:
        free(parts.numerics.device)
        why = "there is not enough memory to try it" if is_out_of_memory(error) else _first_line(error)
        compiled, choice = parts, Choice(False, f"not compiled: {why}")
    if stop.now:
        raise StoppedError(stop.now)
    reasons = {**resolved.reasons, "compile": choice.reason} if is_new else resolved.reasons
    return compiled, replace(resolved, compile=choice.compile, reasons=reasons), choice.reason


def _chosen(parts: Parts, stop: Stop, say: Callable[[str], None]) -> tuple[Parts, Choice]:
    training = parts.config.training
    steps = training.epochs * steps_per_epoch(len(parts.train), training.batch_size)
    batch = prepared_batch(parts, 0)
    plain = _rehearsal(parts, *batch)
    plain()
    if choice := too_short(steps, median(plain() for _ in range(FIRST_LOOK))):
        return parts, choice
    compiled, warm_up = _compiled(parts, stop, say)
    fast = _rehearsal(compiled, *batch)
    choice = judge(steps, Timing.of([(plain(), fast()) for _ in range(TURNS)], warm_up))
    if not choice.compile:
        torch.compiler.reset()
    return (compiled if choice.compile else parts), choice


def _as_before(parts: Parts, stop: Stop, say: Callable[[str], None]) -> tuple[Parts, Choice]:
    if problem := compiler_problem(parts.numerics.device.type):
        return parts, Choice(False, f"the run was compiled, and here {problem.text}: {problem.remedy}")
    compiled, warm_up = _compiled(parts, stop, say)
    return compiled, Choice(True, f"compiled, as the run was made; that took {format_duration(warm_up)}")


def _compiled(parts: Parts, stop: Stop, say: Callable[[str], None]) -> tuple[Parts, float]:
    """The parts with their model compiled for each size of batch that the run has, and the seconds that it took."""
    say("compiling the model, which may take minutes")
    began = time.perf_counter()
    torch.compiler.reset()  # the same code may have been compiled for other runs of this process, and there is a limit
    compiled = replace(parts, forward=torch.compile(parts.model, dynamic=False))
    with _workers():
        for number in (0, -1):
            if stop.now:
                raise StoppedError(stop.now)
            _rehearsal(compiled, *prepared_batch(parts, number))()
    return compiled, time.perf_counter() - began


def _rehearsal(parts: Parts, inputs: Tensor, targets: Tensor) -> Callable[[], float]:
    """Computes a gradient, leaves nothing of it, and returns the seconds that it took."""
    device = parts.numerics.device
    step = TrainingStep(parts, FiniteGuard(device, parts.optimizer))

    def rehearse() -> float:
        wait_for(device)
        began = time.perf_counter()
        step.rehearse(inputs, targets, parts.micro_batch)
        wait_for(device)
        return time.perf_counter() - began

    return rehearse


@contextlib.contextmanager
def _workers() -> Iterator[None]:
    """Let inductor compile with processes and threads of its own within the block, and with none after it."""
    import torch._inductor.async_compile as workers
    import torch._inductor.config as inductor

    inductor.compile_threads = inductor.decide_compile_threads()
    try:
        yield
    finally:
        workers.shutdown_compile_workers()
        inductor.compile_threads = 1  # what is compiled later, for smaller portions, is compiled in this process


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep torch's warnings from the terminal for the length of the block."""
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
