"""The settings that a study tries where they are known beforehand: one at a time, a grid, or drawn."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping
from typing import Any

from xaitui.seeds import derive_seed
from xaitui.studies.definition import Study
from xaitui.studies.space import Choices, Dimension, Range

Point = Mapping[str, Any]
"""What differs from the base, by dotted path."""


def points(study: Study) -> Iterator[Point]:
    """The points of a study that has a list of them; the same one may come more than once."""
    match study.sampler:
        case "one-at-a-time":
            yield {}
            for path, dimension in study.space.items():
                for value in values_of(dimension):
                    yield {path: value}
        case "grid":
            for values in itertools.product(*map(values_of, study.space.values())):
                yield dict(zip(study.space, values, strict=True))
        case "random":
            for index in range(study.trials):
                drawn = random.Random(derive_seed(study.base.training.seed, "study", index))
                yield {path: _draw(dimension, drawn) for path, dimension in study.space.items()}


def values_of(dimension: Dimension) -> tuple[Any, ...]:
    """Every value of a dimension that has a list of them."""
    if isinstance(dimension, Choices):
        return dimension.values
    count = math.floor((dimension.high - dimension.low) / dimension.step + 1e-9) + 1
    return tuple(_number(dimension, dimension.low + index * dimension.step) for index in range(count))


def _draw(dimension: Dimension, drawn: random.Random) -> Any:
    if isinstance(dimension, Choices):
        return drawn.choice(dimension.values)
    if dimension.step:
        return drawn.choice(values_of(dimension))
    if dimension.log:
        number = math.exp(drawn.uniform(math.log(dimension.low), math.log(dimension.high)))
        return _number(dimension, min(max(number, dimension.low), dimension.high))
    if dimension.whole:
        return drawn.randint(int(dimension.low), int(dimension.high))
    return drawn.uniform(dimension.low, dimension.high)


def _number(dimension: Range, number: float) -> float | int:
    return round(number) if dimension.whole else float(f"{number:.12g}")
