"""Portions of a batch, and what an attempt leaves as it found it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from xaitui.errors import OutOfMemoryError
from xaitui.training.memory import BatchSizes, Undo, pieces, smallest_micro_batch


@given(st.integers(1, 300), st.integers(1, 80))
def test_portions_are_the_batch_and_none_is_a_remainder_of_one(count: int, micro_batch: int) -> None:
    found = pieces(count, micro_batch)
    assert [index for piece in found for index in range(count)[piece]] == list(range(count))
    lengths = [piece.stop - piece.start for piece in found]
    assert max(lengths) <= micro_batch + 1
    assert 1 not in lengths or micro_batch == 1 or count == 1


@given(st.integers(1, 1000), st.integers(1, 2))
def test_portions_halve_down_to_the_smallest(batch: int, smallest: int) -> None:
    sizes = BatchSizes(micro=batch, evaluation=1)
    seen = [batch]
    while sizes.micro > smallest:
        assert sizes.halve_micro(batch, smallest) == seen[-1]
        seen.append(sizes.micro)
    assert seen == sorted(set(seen), reverse=True)
    with pytest.raises(OutOfMemoryError, match="fewest"):
        sizes.halve_micro(batch, smallest)


def test_batch_normalisation_needs_two_images() -> None:
    assert smallest_micro_batch(nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))) == 2
    assert smallest_micro_batch(nn.Linear(2, 2)) == 1


def test_an_attempt_is_undone() -> None:
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout())
    undo = Undo(model, torch.device("cpu"))
    undo.take()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    first = model(torch.ones(4, 3))
    undo.put_back()
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(model(torch.ones(4, 3)), first)


def test_a_step_that_is_done_is_not_undone() -> None:
    model = nn.BatchNorm1d(3)
    undo = Undo(model, torch.device("cpu"))
    undo.take()
    model(torch.ones(4, 3))
    after = model.num_batches_tracked
    assert after is not None
    undo.forget()
    undo.put_back()
    assert model.num_batches_tracked == after == 1
