"""What augmentation costs: the speed of the engine with every augmentation that suits PathMNIST on, against none.

Both train the same model on the same made RGB images of 28x28, in turns in one process. Besides, each augmentation is
applied alone to one batch, again and again, which says where the time goes.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.conditions import conditions, write_result
from benchmarks.engine import RESNET18, SIMPLE_CNN, Training, epoch_speed, prepared, refuse_without_gpu
from benchmarks.interleaved import in_turns, verdict
from benchmarks.made_images import make_images
from benchmarks.peers import synchronize
from xaitui.catalog.augmentations import AUGMENTATION_SETTINGS, active
from xaitui.catalog.presets import AUGMENTATION_PRESETS
from xaitui.data.device.augment import Augmenter
from xaitui.jobs.prepare import Prepared

GOALS = {"cpu": 0.85, "cuda": 0.95}
"""The part of the speed that is to be left."""
SETTINGS: Mapping[str, Any] = AUGMENTATION_PRESETS["pathmnist"]
NONE, ALL = "none", "all"
REPEATS = 20


CASES = {case.name: case for case in (*SIMPLE_CNN, RESNET18)}


def parts_ms(run: Prepared, device: str) -> dict[str, float]:
    """Milliseconds that each augmentation of a run takes for a batch, and what the engine does to any batch besides."""
    parts, size = run.trainer.parts, run.config.training.batch_size
    images, _ = next(parts.train.batches([torch.arange(size, device=parts.train.index_device)]))
    unit, strengths = parts.prepare.to_unit(images), parts.inputs.augmenter.settings
    works: dict[str, Callable[[int], object]] = {"scaling, normalising": lambda step: parts.prepare(images)}
    for info in active(strengths):
        alone = Augmenter({setting: strengths[setting] for setting in AUGMENTATION_SETTINGS[info.name]})
        works[info.name] = partial(_augment, alone, unit)
    return {name: _ms(work, device) for name, work in works.items()}


def _augment(augmenter: Augmenter, unit: Tensor, step: int) -> Tensor:
    return augmenter.augment(unit, seed=0, step=step)


def _ms(work: Callable[[int], object], device: str) -> float:
    """The median of some repetitions, the first of which is not counted."""
    seconds = []
    for step in range(REPEATS + 1):
        synchronize(device)
        began = time.perf_counter()
        work(step)
        synchronize(device)
        seconds.append(time.perf_counter() - began)
    return round(1000 * statistics.median(seconds[1:]), 3)


def measure(case: Training, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Measure a case, print it, and return its figures."""
    device, images = options.device, case.count(options.device, options.images)
    data = make_images(folder / f"{case.model}-{case.batch_size}.npz", images, 256, channels=3)
    plain = case.settings(data, device)
    augmented = {**plain, **SETTINGS}
    ways = {NONE: lambda: epoch_speed(prepared(plain)), ALL: lambda: epoch_speed(prepared(augmented))}
    speeds = in_turns(ways, options.rounds)
    medians = {name: statistics.median(values) for name, values in speeds.items()}
    ratio, parts = medians[ALL] / medians[NONE], parts_ms(prepared(augmented), device)
    step = 1000 * case.batch_size / medians[NONE]
    print(
        f"{case.model}, batch {case.batch_size}, 3x28x28, {images:,} images: {medians[NONE]:.0f} images/s without, "
        f"{medians[ALL]:.0f} with augmentation: {ratio:.3f} of it "
        f"(goal: at least {GOALS[device]:g}): {verdict(ratio >= GOALS[device])}"
    )
    print(f"  a step without takes {step:.1f} ms; for its batch take")
    for name, taken in parts.items():
        print(f"  {name:<22} {taken:>8.2f} ms  {taken / step:>6.1%}", flush=True)
    return {
        "images": images,
        "images_per_second": speeds,
        "median": medians,
        "ratio": round(ratio, 4),
        "goal": GOALS[device],
        "step_ms": round(step, 3),
        "parts_ms": parts,
    }


def main() -> None:
    """Measure, print tables, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--images", type=int, default=0, help="of one measurement, instead of each case's own number")
    options = parser.parse_args()
    refuse_without_gpu(options.device)
    with tempfile.TemporaryDirectory() as name:
        cases = {case: measure(CASES[case], Path(name), options) for case in options.cases}
    figures = {**conditions(["torch", "numpy"]), **vars(options), "settings": dict(SETTINGS), "cases": cases}
    print(f"written to {write_result(f'augmentation_cost_{options.device}', figures)}")


if __name__ == "__main__":
    main()
