"""The median of a few steps, by a clock that is made up."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, repeat

import pytest
import torch

from xaitui.jobs.measure.precision import choose, fastest_precision, speed_with
from xaitui.jobs.measure.speed import LEAST_LAPS, SECONDS, WARM_UP, images_per_second, median_seconds
from xaitui.stop import Stop
from xaitui.training.components import Parts

CPU = torch.device("cpu")


class Steps:
    """Steps that take the given times."""

    def __init__(self, seconds: Iterable[float]) -> None:
        self._seconds = iter(seconds)
        self.now, self.done = 0.0, 0

    def __call__(self) -> None:
        self.now += next(self._seconds)
        self.done += 1

    def clock(self) -> float:
        return self.now


def test_steps_alike_are_enough_soon() -> None:
    steps = Steps(repeat(0.1))
    assert median_seconds(steps, CPU, steps.clock) == pytest.approx(0.1)
    assert steps.done == WARM_UP + LEAST_LAPS


def test_short_steps_are_timed_many_at_once() -> None:
    steps = Steps(repeat(0.001))
    assert median_seconds(steps, CPU, steps.clock) == pytest.approx(0.001)
    assert steps.done > 10 * LEAST_LAPS


def test_slow_first_steps_and_single_hitches_do_not_count() -> None:
    steps = Steps(chain([2.0, 0.5, 0.1], [0.1, 0.9, 0.1], repeat(0.1)))
    assert median_seconds(steps, CPU, steps.clock) == pytest.approx(0.1)


def test_steps_that_never_become_steady_end_after_a_while() -> None:
    steps = Steps(chain.from_iterable(repeat((0.05, 0.1, 0.2, 0.3))))
    assert 0.05 <= median_seconds(steps, CPU, steps.clock) <= 0.3
    assert steps.now < 2 * SECONDS + 1


def test_very_slow_steps_are_done_twice() -> None:
    steps = Steps(repeat(60.0))
    assert median_seconds(steps, CPU, steps.clock) == 60
    assert steps.done == 2


def test_a_model_is_timed_on_made_images() -> None:
    assert images_per_second("simple-cnn", classes=2, channels=1, image_size=8, batch_size=4) > 0


@pytest.mark.parametrize(
    ("speeds", "fastest"),
    [
        ({"float32": 100.0, "bfloat16": 150.0, "float16": 154.0}, "bfloat16"),
        ({"float32": 100.0, "bfloat16": 150.0, "float16": 160.0}, "float16"),
        ({"float32": 100.0, "bfloat16": 90.0, "float16": 20.0}, "float32"),
        ({"float32": 100.0, "bfloat16": 109.0, "float16": 20.0}, "float32"),
        ({"float32": 100.0, "bfloat16": 111.0}, "bfloat16"),
        ({"bfloat16": 90.0, "float16": 180.0}, "float16"),
        ({"float32": 100.0, "float16": 111.0}, "float16"),
    ],
)
def test_the_fastest_precision_is_taken_and_bfloat16_where_it_is_as_good(
    speeds: dict[str, float], fastest: str
) -> None:
    name, why = choose(speeds)
    assert name == fastest
    assert all(f"{each} {speed / next(iter(speeds.values())):.2f}" in why for each, speed in speeds.items())


def test_a_device_decides_what_is_tried() -> None:
    tried = []

    def speed(name: str) -> float:
        tried.append(name)
        return {"float32": 1.0, "bfloat16": 2.0}[name]

    assert fastest_precision(CPU, speed)[0] == "bfloat16"
    assert tried == ["float32", "bfloat16"]
    assert fastest_precision(torch.device("mps"), lambda name: pytest.fail(name))[0] == "float32"


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory"), torch.OutOfMemoryError()])
def test_a_precision_for_which_memory_is_not_enough_has_no_speed(error: Exception) -> None:
    def build() -> Parts:
        raise error

    assert speed_with(build, CPU, Stop()) is None


def test_another_error_is_none_of_memory() -> None:
    def build() -> Parts:
        raise RuntimeError("no kernel image")

    with pytest.raises(RuntimeError, match="no kernel image"):
        speed_with(build, CPU, Stop())
