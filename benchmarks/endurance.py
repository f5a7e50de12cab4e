"""Whether a long run stays as fast and as small as it began: 10,000 optimizer steps of a real run, with its directory.

A SimpleCNN is trained on a made set in short epochs, with journal, checkpoints and all. The run is divided into twenty
portions; of each the resident memory at its largest and the median speed of its epochs are taken.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from benchmarks.conditions import conditions, write_result
from benchmarks.engine import silent
from benchmarks.interleaved import verdict
from benchmarks.made_images import make_images
from xaitui.config.resolve import build_config
from xaitui.events import EpochFinished, RunFailed
from xaitui.jobs.train.start import begin_run
from xaitui.stop import Stop

BATCH_SIZE, STEPS_PER_EPOCH, PORTIONS = 32, 50, 20
SIDE = 16
"""Of the images, in pixels: small, so that what the run does besides computing has its weight."""
GOAL_GROWTH = 0.02
"""What the last portion may have above the memory of the second."""
GOAL_SPEED = 0.95
"""The part of the first quarter's speed that the last quarter is to have."""


@dataclass(frozen=True)
class Seen:
    """What was seen of an epoch or a portion."""

    rss: int
    """Resident memory, in bytes."""
    images_per_second: float


def train(folder: Path, epochs: int) -> list[Seen]:
    """Carry out a run, and look at it at the end of each epoch."""
    data = make_images(folder / "made.npz", BATCH_SIZE * STEPS_PER_EPOCH, 64, side=SIDE)
    config = build_config(
        {
            "data.dataset": str(data),
            "model.name": "simple-cnn",
            "training.batch_size": BATCH_SIZE,
            "training.epochs": epochs,
            "run.device": "cpu",
        }
    )
    process, seen = psutil.Process(), []
    for event in begin_run(config, folder / "runs", Stop(), silent, ["benchmarks.endurance"]).events():
        if isinstance(event, RunFailed):
            raise SystemExit(f"the run failed: {event.message}")
        if isinstance(event, EpochFinished):
            seen.append(Seen(process.memory_info().rss, event.images_per_second))
    return seen


def portions_of(epochs: Sequence[Seen]) -> list[Seen]:
    """The portions of a run: the largest memory and the median speed of as many epochs each."""
    length = len(epochs) // PORTIONS
    parts = [epochs[start : start + length] for start in range(0, len(epochs), length)]
    return [
        Seen(max(epoch.rss for epoch in part), statistics.median(epoch.images_per_second for epoch in part))
        for part in parts
    ]


def speed_left(epochs: Sequence[Seen]) -> float:
    """The median speed of the last quarter of the epochs over that of the first."""
    quarter, speeds = len(epochs) // 4, [epoch.images_per_second for epoch in epochs]
    return statistics.median(speeds[-quarter:]) / statistics.median(speeds[:quarter])


def main() -> None:
    """Measure, print a table, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=10_000, help=f"a multiple of {STEPS_PER_EPOCH * PORTIONS}")
    options = parser.parse_args()
    if options.steps <= 0 or options.steps % (STEPS_PER_EPOCH * PORTIONS):
        raise SystemExit(f"--steps {options.steps} cannot be divided; use a multiple of {STEPS_PER_EPOCH * PORTIONS}")
    with tempfile.TemporaryDirectory() as name:
        epochs = train(Path(name), options.steps // STEPS_PER_EPOCH)
    portions = portions_of(epochs)
    print(f"{'steps':>7} {'memory':>11} {'images/s':>9}")
    for number, portion in enumerate(portions, 1):
        steps = number * options.steps // PORTIONS
        print(f"{steps:>7,} {portion.rss / 2**20:>7.1f} MiB {portion.images_per_second:>9.0f}")
    growth, speed = portions[-1].rss / portions[1].rss - 1, speed_left(epochs)
    print(f"memory grows by {growth:.2%} (goal: at most {GOAL_GROWTH:.0%}): {verdict(growth <= GOAL_GROWTH)}")
    print(
        f"the last quarter has {speed:.3f} of the first one's speed (goal: at least {GOAL_SPEED:g}): "
        f"{verdict(speed >= GOAL_SPEED)}"
    )
    figures = {
        **conditions(["torch", "numpy"]),
        **vars(options),
        "goal_growth": GOAL_GROWTH,
        "goal_speed": GOAL_SPEED,
        "growth": round(growth, 4),
        "speed_left": round(speed, 3),
        "portions": [asdict(portion) for portion in portions],
    }
    print(f"written to {write_result('endurance', figures)}")


if __name__ == "__main__":
    main()
