"""The time of an epoch at the size of PathMNIST: ResNet-18 at 28 px, and the report's Xception at 168 px.

Trained are the 89,996 RGB images of 28x28 that PathMNIST's training split has, made here; Xception sees them resized to
168 px, as in the report. The clock runs from the first step that the journal has a line of to the last one, and the
epoch is what that speed makes of all images; the evaluation is not counted.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.conditions import conditions, write_result
from benchmarks.engine import epoch_speed, prepared, refuse_without_gpu
from benchmarks.interleaved import verdict
from benchmarks.made_images import make_images
from xaitui.catalog.datasets import DATASETS

IMAGES = DATASETS["pathmnist"].counts[0]


@dataclass(frozen=True)
class Case:
    """A training, with what is expected of its epoch on a large GPU."""

    model: str
    batch_size: int
    image_size: int
    goal_s: float
    reported: str = ""


CASES = {
    case.model: case
    for case in (
        Case("resnet18", 128, 28, goal_s=3.0),
        Case("xception", 64, 168, goal_s=30.0, reported="the report: 600-960 s on a V100"),
    )
}


def measure(case: Case, data: Path, device: str) -> dict[str, Any]:
    """Train on the images of a file, print the time of a whole epoch, and return the figures."""
    settings = {
        "data.dataset": str(data),
        "data.image_size": case.image_size,
        "model.name": case.model,
        "training.batch_size": case.batch_size,
        "training.precision": "bfloat16",
        "training.epochs": 1,
        "run.device": device,
    }
    speed = epoch_speed(prepared(settings))
    seconds = IMAGES / speed
    goal = f" (goal on a GPU: below {case.goal_s:g} s): {verdict(seconds < case.goal_s)}" if device == "cuda" else ""
    print(
        f"{case.model}, batch {case.batch_size}, {case.image_size} px, bfloat16: {speed:,.0f} images/s, "
        f"{seconds:.1f} s for {IMAGES:,} images{goal} {case.reported}",
        flush=True,
    )
    return {"images_per_second": round(speed, 1), "epoch_s": round(seconds, 2), "goal_s": case.goal_s}


def main() -> None:
    """Measure, print, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--batch-size", type=int, default=0, help="instead of each case's own")
    parser.add_argument("--images", type=int, default=IMAGES, help="that are trained on, where all take too long")
    options = parser.parse_args()
    refuse_without_gpu(options.device)
    with tempfile.TemporaryDirectory() as folder:
        data = make_images(Path(folder) / "made.npz", options.images, 256, channels=3)
        chosen = [
            replace(case, batch_size=options.batch_size or case.batch_size)
            for case in (CASES[name] for name in options.cases)
        ]
        cases = {case.model: measure(case, data, options.device) for case in chosen}
    figures = {**conditions(["torch", "torchvision"]), **vars(options), "cases": cases}
    print(f"written to {write_result(f'epoch_time_{options.device}', figures)}")


if __name__ == "__main__":
    main()
