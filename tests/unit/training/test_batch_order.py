from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from xaitui.training.batch_order import LINES_PER_EPOCH, LINES_PER_RUN, epoch_batches, log_every, steps_per_epoch

CPU = torch.device("cpu")


@given(images=st.integers(1, 300), batch_size=st.integers(1, 64), seed=st.integers(0, 99), epoch=st.integers(1, 9))
def test_every_image_is_seen_once_an_epoch(images: int, batch_size: int, seed: int, epoch: int) -> None:
    batches = epoch_batches(images, batch_size, seed=seed, epoch=epoch, device=CPU)
    assert len(batches) == steps_per_epoch(images, batch_size)
    assert sorted(torch.cat(batches).tolist()) == list(range(images))
    assert min(map(len, batches)) > 1 or images == 1 or batch_size == 1
    assert max(map(len, batches)) <= batch_size + 1


def test_the_order_is_decided_by_seed_and_epoch_alone() -> None:
    first = epoch_batches(50, 8, seed=1, epoch=2, device=CPU)
    torch.manual_seed(99)
    again = epoch_batches(50, 8, seed=1, epoch=2, device=CPU)
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
    for seed, epoch in ((1, 3), (2, 2)):
        other = torch.cat(epoch_batches(50, 8, seed=seed, epoch=epoch, device=CPU))
        assert not torch.equal(torch.cat(first), other)


@pytest.mark.parametrize(("steps", "epochs"), [(1, 1), (41, 15), (1688, 15), (2813, 100), (100_000, 1000)])
def test_neither_an_epoch_nor_a_run_writes_too_many_lines(steps: int, epochs: int) -> None:
    every = log_every(steps, epochs)
    assert steps // every <= LINES_PER_EPOCH
    assert steps * epochs // every <= LINES_PER_RUN
    assert every == 1 or (steps // (every - 1) > LINES_PER_EPOCH or steps * epochs // (every - 1) > LINES_PER_RUN)
