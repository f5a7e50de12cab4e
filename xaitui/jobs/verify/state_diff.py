"""Comparison of two states of a trainer, bit for bit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from xaitui.training.checkpoint import State

_CLOCKS = ("elapsed", "epoch_elapsed")
"""Parts of a state that measure time; no two runs have the same."""


def first_difference(ours: State, theirs: State, *, beside: Sequence[str] = ()) -> tuple[str, int]:
    """What differs first, in words, empty where nothing does; and how many tensors were compared.

    Args:
        ours: a state of a trainer.
        theirs: another one, or a checkpoint.
        beside: names of what only a checkpoint holds.
    """
    tensors, left_out = 0, dict.fromkeys((*_CLOCKS, *beside))
    for name, one, other in _pairs("", {**ours, **left_out}, {**theirs, **left_out}):
        if isinstance(one, Tensor) and isinstance(other, Tensor):
            tensors += 1
            said = _tensor_difference(one.cpu(), other.cpu())
        else:
            said = "" if _is_same(one, other) else f"{one!r} instead of {other!r}"
        if said:
            return f"{name}: {said}", tensors
    return "", tensors


def _pairs(name: str, one: Any, other: Any) -> Iterator[tuple[str, Any, Any]]:
    """The leaves of two states, side by side; None stands for what only one of them has."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in {**one, **other}:
            yield from _pairs(f"{name}.{key}" if name else str(key), one.get(key), other.get(key))
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _pairs(f"{name}.{index}", left, right)
    else:
        yield name, one, other


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    return type(one) is type(other) and not isinstance(one, Tensor) and bool(one == other)


def _tensor_difference(one: Tensor, other: Tensor) -> str:
    if (one.shape, one.dtype) != (other.shape, other.dtype):
        return f"{tuple(one.shape)} of {one.dtype} instead of {tuple(other.shape)} of {other.dtype}"
    ours, theirs = (each.detach().contiguous().reshape(-1).view(torch.uint8) for each in (one, other))
    if torch.equal(ours, theirs):
        return ""
    differs = (ours != theirs).reshape(one.numel(), -1).any(dim=1)
    largest = (one.double() - other.double()).abs().max().item()
    return f"{int(differs.sum()):,} of {one.numel():,} values, the largest difference {largest:.3g}"
