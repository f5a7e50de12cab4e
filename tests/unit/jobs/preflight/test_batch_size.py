"""The search for the largest batch, on memories that are made up."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xaitui.errors import OutOfMemoryError
from xaitui.jobs.preflight.batch_size import (
    LEAST_SIZES,
    LEAST_STEPS,
    VISIBLE,
    Fit,
    automatic,
    largest_batch,
    most_for_steps,
)

MIB = 1 << 20


class Memory:
    """A step takes a fixed part and a part for each image; what the allocator keeps at hand hides the first of it."""

    def __init__(self, fixed: int, image: int, hidden: int = 0, wall: int = 1 << 62) -> None:
        self.fixed, self.image, self.hidden, self.wall = fixed, image, hidden, wall
        self.tried: list[int] = []

    def __call__(self, images: int) -> int | None:
        self.tried.append(images)
        peak = self.of(images)
        return None if peak > self.wall else peak

    def of(self, images: int) -> int:
        return max(self.hidden, self.fixed + self.image * images)


def find(
    memory: Callable[[int], int | None], allowed: int, *, most: int = 65_536, smallest: int = 2, try_it: bool = False
) -> Fit:
    return largest_batch(
        memory, smallest=smallest, most=most, allowed=allowed, try_it=try_it, clock=repeat(0.0).__next__
    )


@given(
    st.integers(0, 4096), st.integers(64 << 10, 64 * MIB), st.integers(0, 256), st.integers(1, 32_768), st.booleans()
)
def test_it_is_the_largest_that_fits(fixed: int, image: int, hidden: int, images: int, try_it: bool) -> None:
    memory = Memory(fixed * MIB, image, (fixed + hidden) * MIB)
    allowed = memory.of(2 * images)
    exact = (allowed - memory.fixed) // image
    found = find(memory, allowed, try_it=try_it)
    assert memory.of(found.images) <= allowed
    assert found.images >= min(65_536, exact) // 2
    assert hidden or found.images == min(65_536, exact)
    assert found.tried or not try_it


@pytest.mark.parametrize("try_it", [True, False])
def test_more_memory_takes_more_images(try_it: bool) -> None:
    found = [find(Memory(100 * MIB, MIB), allowed * MIB, try_it=try_it).images for allowed in (200, 400, 800)]
    assert found == [100, 300, 700]


def test_there_are_never_more_than_the_most() -> None:
    assert find(Memory(0, 1), 1 << 40, most=1437) == Fit(1437, tried=True)
    assert find(Memory(0, 32 * MIB), 1 << 40, most=1437) == Fit(1437, tried=False)
    assert find(Memory(0, MIB), 100 * MIB, most=1) == Fit(1, tried=True)


def test_where_it_can_be_tried_it_gets_smaller_until_it_fits() -> None:
    memory = Memory(100 * MIB, MIB)

    def steeper(images: int) -> int | None:
        peak = memory(images)
        return None if images > 1000 else peak

    found = find(steeper, 2000 * MIB, try_it=True)
    assert found.tried
    assert 800 < found.images <= 1000
    assert memory.tried[-2] > 1000


def test_where_it_cannot_be_tried_nothing_large_is() -> None:
    memory = Memory(100 * MIB, 32 * MIB)
    found = find(memory, 100_000 * MIB)
    assert not found.tried
    assert max(memory.tried) == 2 << (LEAST_SIZES - 1)


def test_memory_that_runs_out_on_the_way_is_a_limit() -> None:
    memory = Memory(100 * MIB, MIB, wall=150 * MIB)
    assert find(memory, 1000 * MIB) == Fit(32, tried=True)
    assert find(memory, 1000 * MIB, try_it=True) == Fit(63 * 7 // 8 * 7 // 8, tried=True)


@pytest.mark.parametrize("wall", [1 << 62, 101 * MIB])
def test_what_does_not_fit_at_all_is_an_error_with_advice(wall: int) -> None:
    with pytest.raises(OutOfMemoryError, match=r"smaller --batch-size.*a batch of 2 does not fit"):
        find(Memory(100 * MIB, MIB, wall=wall), 101 * MIB)


def test_a_slow_step_ends_the_search_with_a_cautious_guess() -> None:
    memory = Memory(100 * MIB, 1)
    clock = count(0.0, 100.0).__next__
    found = largest_batch(memory, smallest=2, most=65_536, allowed=100 * MIB + 4 * VISIBLE, try_it=False, clock=clock)
    assert memory.tried == [2, 4, 8]
    assert found == Fit(8 + 4 * 4 - 1, tried=False)


@given(st.integers(1, 100_000), st.integers(1, 10_000_000), st.sampled_from([1, 2]))
def test_what_auto_takes(fits: int, images: int, smallest: int) -> None:
    most = most_for_steps(images, smallest)
    fit = Fit(max(smallest, min(fits, most)), tried=True)
    size, why = automatic(fit, images, smallest)
    assert size & (size - 1) == 0
    assert smallest <= size <= max(fit.images, smallest)
    assert 2 * size > fit.images
    assert size == smallest or images // size >= LEAST_STEPS
    assert "power of two" in why
