"""The largest batch that fits into memory: measured for small ones, and from there along a line."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace

from xaitui.config.schema import FIELDS
from xaitui.errors import OutOfMemoryError
from xaitui.jobs.measure.memory import STEP_ERRORS, MemoryMeter, ran_out
from xaitui.jobs.measure.speed import training_steps
from xaitui.stop import Stop
from xaitui.training.components import Parts
from xaitui.training.memory import MEMORY_ADVICE, free, smallest_micro_batch
from xaitui.training.numerics import wait_for

RESERVE = 0.1
"""Part of the memory that is left free: an allocator fragments, and others use the machine too."""
VISIBLE = 16 << 20
"""Bytes by which a doubling must raise the peak to be counted: less is lost in what the allocator keeps at hand."""
REACH = 8
"""How far along the line is gone at most where its end can be tried: libraries take other ways for larger batches."""
SECONDS = 3.0
"""After which no larger batch is tried."""
LEAST_SIZES = 3
"""Batches that are tried whatever time they take: in the first one some things are done for the first time."""
LEAST_STEPS = 32
"""Steps of an epoch below which a batch that is found is not to bring it.

Weights move once a step, and a batch beyond some size gains nothing by its better gradient (McCandlish et al., An
Empirical Model of Large-Batch Training, 2018): with fewer steps the same epochs train worse, whatever fits.
"""


@dataclass(frozen=True)
class Fit:
    """How many images fit."""

    images: int
    tried: bool
    """Whether a step with so many was done; otherwise they are estimated."""


def largest_batch(
    peak_of: Callable[[int], int | None],
    *,
    smallest: int,
    most: int,
    allowed: int,
    try_it: bool,
    clock: Callable[[], float] = time.monotonic,
) -> Fit:
    """Find the largest number of images whose step stays within `allowed` bytes.

    Args:
        peak_of: does a step with so many images, and returns its bytes at the peak; None where memory ran out.
        smallest: the fewest images of a step.
        most: the most.
        try_it: whether the end of the line is tried, and what does not fit made smaller until it does.

    Raises:
        OutOfMemoryError: not even the smallest batch fits.
    """
    peaks, beyond = _growing(peak_of, smallest, most, allowed, REACH if try_it else 0, clock)
    fitting = [images for images, peak in peaks if peak <= allowed]
    if not fitting:
        raise OutOfMemoryError(f"{MEMORY_ADVICE}; a batch of {smallest} does not fit")
    has_failed = beyond <= most and peaks[-1][1] <= allowed  # then the line is not to be trusted
    reached = _along_the_line(peaks, allowed) if len(peaks) > 1 and (try_it or not has_failed) else 0
    images = max(fitting[-1], min(reached, beyond - 1))
    while try_it and images > fitting[-1]:
        peak = peak_of(images)
        if peak is not None and peak <= allowed:
            return Fit(images, tried=True)
        images = max(fitting[-1], images * 7 // 8)
    return Fit(images, tried=images == fitting[-1])


def _growing(
    peak_of: Callable[[int], int | None], smallest: int, most: int, allowed: int, reach: int, clock: Callable[[], float]
) -> tuple[list[tuple[int, int]], int]:
    """The peaks of batches that double until memory shows them, and the fewest images that are too many."""
    peaks: list[tuple[int, int]] = []
    images, began = min(smallest, most), clock()
    while (peak := peak_of(images)) is not None:
        peaks.append((images, peak))
        if peak > allowed or images == most:
            return peaks, images if peak > allowed else most + 1
        is_enough = _is_seen(peaks) and (not reach or peak * reach >= allowed)
        if len(peaks) >= LEAST_SIZES and (is_enough or clock() - began > SECONDS):
            return peaks, most + 1
        images = min(2 * images, most)
    return peaks, images


def _is_seen(peaks: list[tuple[int, int]]) -> bool:
    """Whether both of the last doublings raised the peak: then the first of them was above what is always there."""
    last = [peak for _, peak in peaks[-LEAST_SIZES:]]
    return len(last) == LEAST_SIZES and min(last[1] - last[0], last[2] - last[1]) >= VISIBLE


def _along_the_line(peaks: list[tuple[int, int]], allowed: int) -> int:
    """Where the line through the last two peaks reaches `allowed`; beyond them, its rise is taken to be visible."""
    (fewer, low), (more, high) = peaks[-2:]
    rise = max(high - low, VISIBLE if high <= allowed else 1)
    return more + (allowed - high) * (more - fewer) // rise


def fitting_batch(parts: Parts, meter: MemoryMeter, available: int, most: int, stop: Stop) -> Fit:
    """The largest batch that is computed at once within the available bytes but the reserve.

    The parts are used up by the steps.

    Raises:
        OutOfMemoryError: not even the smallest batch fits.
        StoppedError: a stop was asked for.
        DivergedError: the loss is not finite.
    """
    device = parts.numerics.device
    plain = replace(parts, forward=parts.model)  # a compiled one would be compiled anew for each size

    def peak_of(images: int) -> int | None:
        meter.restart()
        fits = True
        try:
            with closing(training_steps(plain, images, images, stop)) as steps:
                next(steps)
            wait_for(device)
        except STEP_ERRORS as error:
            if not ran_out(error):
                raise
            fits = False
        if not fits:  # outside of the `except`: the error's traceback holds the activations
            parts.optimizer.zero_grad(set_to_none=True)
            free(device)
            return None
        return meter.peak()

    highest = int(FIELDS["training.batch_size"].high or most)
    return largest_batch(
        peak_of,
        smallest=smallest_micro_batch(parts.model),
        most=min(most, len(parts.train), highest),
        allowed=int(available * (1 - RESERVE)),
        try_it=device.type == "cuda",
    )


def most_for_steps(images: int, smallest: int) -> int:
    """The largest batch that leaves an epoch of so many images its steps."""
    return max(smallest, images // LEAST_STEPS)


def automatic(fit: Fit, images: int, smallest: int) -> tuple[int, str]:
    """The batch size that ``auto`` takes, and why: a power of two that fits and leaves an epoch its steps.

    Args:
        fit: what fits, of at most `most_for_steps`.
        images: of an epoch.
        smallest: the fewest images of a batch.
    """
    most = most_for_steps(images, smallest)
    size = max(smallest, 1 << (min(fit.images, most).bit_length() - 1))
    if fit.images < most:
        return size, f"the largest power of two that fits: {fit.images:,} images do with 10 % of the memory in reserve"
    return size, f"the largest power of two with which an epoch of {images:,} images has {LEAST_STEPS} steps; it fits"
