"""What is compared is measured in turns, so that what a machine does beside it falls on all alike."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping


def in_turns(ways: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Measure every way once in each round, in a new order; a first round, which fills caches, is not counted."""
    figures: dict[str, list[float]] = {name: [] for name in ways}
    shuffle = random.Random(0).shuffle
    for number in range(rounds + 1):
        order = list(ways)
        shuffle(order)
        for name in order:
            figure = ways[name]()
            if number:
                figures[name].append(figure)
    return figures


def verdict(is_reached: bool) -> str:
    """A goal's fate in a word."""
    return "reached" if is_reached else "missed"
