"""What it costs to keep maps through training: Grad-CAM of eight validation images, as a part of an epoch.

An epoch and the look after it take turns in one run, so that what the machine does beside it falls on both. The medians
are compared; the first epoch, after which the layer is chosen, stands for itself. Of each case the smallest epoch is
taken that the default watches: the more images an epoch has, the less of it the look takes.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.conditions import conditions, write_result
from benchmarks.interleaved import verdict
from benchmarks.made_images import make_images
from xaitui.config.resolve import build_config
from xaitui.events import EpochFinished, Event
from xaitui.jobs.train.start import begin_run
from xaitui.jobs.train.training_maps import ProbeMaps
from xaitui.stop import Stop

GOAL = 0.02
"""The part of an epoch that a look may take."""

CASES: dict[str, dict[str, Any]] = {
    "digits (1,294 of 8 px), simple-cnn": {},
    "6,000 of 28 px, simple-cnn": {"data.dataset": "MADE"},
    "6,000 of 28 px, simple-cnn-v1": {"data.dataset": "MADE", "model.name": "simple-cnn-v1"},
}


def measure(settings: dict[str, Any], epochs: int, folder: Path) -> dict[str, Any]:
    """Seconds of each epoch and of the look after it, the first of both apart."""
    looks: list[float] = []
    original = ProbeMaps.after

    def timed(maps: ProbeMaps, event: EpochFinished) -> Iterator[Event]:
        began = time.perf_counter()
        yield from list(original(maps, event))
        looks.append(time.perf_counter() - began)

    config = build_config({**settings, "training.epochs": epochs + 1})
    execution = begin_run(config, folder, Stop(), lambda text: None, ["benchmark"])
    with patch.object(ProbeMaps, "after", timed):
        seconds = [event.seconds for event in execution.events() if isinstance(event, EpochFinished)]
    epoch, look = statistics.median(seconds[1:]), statistics.median(looks[1:])
    return {
        "first_look_s": looks[0],
        "first_epoch_s": seconds[0],
        "epochs_s": seconds[1:],
        "looks_s": looks[1:],
        "median_epoch_s": epoch,
        "median_look_s": look,
        "share": look / epoch,
    }


def main() -> None:
    """Measure, print a table, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--cases", nargs="*", default=list(CASES), choices=list(CASES))
    parser.add_argument("--threads", type=int, default=0, help="of torch; 0 takes what the process may use")
    words = parser.parse_args()
    figures = {}
    print(f"{'case':<36} {'epoch':>9} {'look':>9} {'share':>7}  first look")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = str(make_images(folder / "made.npz", 6_000))
        for case in words.cases:
            settings = {path: made if value == "MADE" else value for path, value in CASES[case].items()}
            settings["training.threads"] = words.threads
            found = figures[case] = measure(settings, words.epochs, folder / "runs")
            print(
                f"{case:<36} {found['median_epoch_s']:>8.3f}s {1000 * found['median_look_s']:>7.1f}ms "
                f"{found['share']:>7.2%}  {1000 * found['first_look_s']:.1f}ms"
            )
    print(f"goal: at most {GOAL:.0%}: {verdict(all(each['share'] <= GOAL for each in figures.values()))}")
    path = write_result("watching_maps", {**conditions(["torch", "numpy"]), "goal": GOAL, "cases": figures})
    print(f"written to {path}")


if __name__ == "__main__":
    main()
