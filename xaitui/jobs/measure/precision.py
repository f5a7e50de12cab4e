"""Which arithmetic is the fastest for a model on a device: it is tried, for it depends on the layers and on torch.

Depthwise convolutions, for one, have slow float16 kernels in some versions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from xaitui.errors import OutOfMemoryError
from xaitui.jobs.measure.memory import STEP_ERRORS, ran_out
from xaitui.jobs.measure.speed import training_speed
from xaitui.stop import Stop
from xaitui.training.components import Parts
from xaitui.training.memory import MEMORY_ADVICE, free

TRIED: Mapping[str, tuple[str, ...]] = {
    "cuda": ("float32", "bfloat16", "float16"),
    "cpu": ("float32", "bfloat16"),  # fast where the processor has instructions for it, and very slow where not
}
"""What is tried on a class of devices; on others it is float32."""
CLOSE = 0.03
"""The part by which bfloat16 may be slower than float16 and is taken still: it needs no scaling of the loss."""
GAIN = 0.1
"""The part by which another precision must be faster than float32: digits are not given away for less."""


def fastest_precision(device: torch.device, speed_of: Callable[[str], float | None]) -> tuple[str, str]:
    """The precision that ``auto`` takes, and why.

    Args:
        device: decides what is tried.
        speed_of: images a second in training with a precision; None where memory ran out.

    Raises:
        OutOfMemoryError: memory is not enough with any.
    """
    names = TRIED.get(device.type, ())
    if not names:
        return "float32", f"nothing else is tried on {device.type}"
    if device.type == "cuda" and not torch.cuda.is_bf16_supported():
        names = tuple(name for name in names if name != "bfloat16")
    speeds = {name: speed for name in names if (speed := speed_of(name)) is not None}
    if not speeds:
        raise OutOfMemoryError(MEMORY_ADVICE)
    return choose(speeds)


def choose(speeds: Mapping[str, float]) -> tuple[str, str]:
    """The fastest of some precisions, if it is clearly faster than float32, and how they compare."""
    fastest = max(speeds, key=speeds.__getitem__)
    if speeds.get("bfloat16", 0.0) >= (1 - CLOSE) * speeds[fastest]:
        fastest = "bfloat16"
    if speeds[fastest] < (1 + GAIN) * speeds.get("float32", 0.0):
        fastest = "float32"
    first = next(iter(speeds))
    ratios = ", ".join(f"{name} {speed / speeds[first]:.2f}" for name, speed in speeds.items())
    return fastest, f"measured: images a second as parts of those in {first}: {ratios}"


def speed_with(build: Callable[[], Parts], device: torch.device, stop: Stop) -> float | None:
    """Images a second that parts train with, which are built for it and given up; None where memory runs out.

    Raises:
        StoppedError: a stop was asked for.
        DivergedError: the loss is not finite.
    """
    speed = None
    try:
        speed = _speed(build(), stop)
    except STEP_ERRORS as error:
        if not ran_out(error):
            raise
    free(device)
    return speed


def _speed(parts: Parts, stop: Stop) -> float:
    return training_speed(parts, parts.config.training.batch_size, parts.micro_batch, stop)
