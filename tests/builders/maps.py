"""Maps for tests of what shows them: stored explanations, and series of a run that watched images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaitui.runs.directory import RunDirectory
from xaitui.runs.explanations.maps import Sample, set_folder
from xaitui.runs.explanations.training_maps import Probe, watched_folder, write_epoch, write_probe
from xaitui.runs.explanations.writer import append, begin_set

SIDE = 8
LEFT_AGAINST_RIGHT: NDArray[np.float32] = np.repeat(np.linspace(-1, 1, SIDE, dtype=np.float32)[None], SIDE, axis=0)
"""A map (H, W) whose left side speaks against the class and whose right side for it."""
TRUST = {
    "images": 10,
    "floors": {
        "random": {"deletion": {"mean": 0.5}, "insertion": {"mean": 0.25}},
        "edges": {"deletion": {"mean": 0.3}, "insertion": {"mean": None}},
    },
    "badge": "does not beat edges (insertion)",
}


def explained(
    run: RunDirectory,
    method: str,
    index: int,
    target: int,
    *,
    split: str = "test",
    layer: str = "",
    attributions: NDArray[np.float32] = LEFT_AGAINST_RIGHT,
    trust: Mapping[str, Any] | None = None,
    problem: str = "",
    scores: Mapping[str, float] | None = None,
) -> None:
    """Store one map more."""
    settings = {
        "split": split,
        "method": method,
        "layer": layer,
        "layer_size": "4x4" if layer else "",
        "baseline": "",
        "steps": 0,
        "seed": 0,
        "weights_sha256": "",
        "weights": "the weights of epoch 3",
        "scored": True,
        "trust": trust,
    }
    folder = set_folder(run, split, method, layer)
    before, _ = begin_set(folder, settings)
    sample = Sample(index, target, target, target, 0.5, 0.5, 0.5, 0.7, scores or {}, problem)
    append(folder, len(before.samples), [sample], attributions[None])


def watched(
    run: RunDirectory, epochs: Sequence[int] = (1, 2, 3), *, moved: float = 0.1, accuracy: float = 0.9, seed: int = 0
) -> None:
    """Two images that were watched; after each epoch the map of the first lies a column further to the right."""
    draw = np.random.default_rng(seed)
    images = draw.integers(0, 255, (2, SIDE, SIDE, 1)).astype(np.uint8)
    labels = np.array([3, 4])
    folder = watched_folder(run)
    write_probe(folder, Probe(np.array([5, 6]), labels, labels, images, "conv2.2"))
    for epoch in epochs:
        maps = np.zeros((2, SIDE, SIDE), np.float32)
        maps[0, :, epoch % SIDE] = maps[1, epoch % SIDE] = 1
        probabilities = np.full((2, 10), 0.05, np.float32)
        probabilities[np.arange(2), labels] = 0.55
        value = math.nan if epoch == epochs[0] else moved
        write_epoch(folder, epoch, maps, probabilities, accuracy=accuracy, moved=value)
