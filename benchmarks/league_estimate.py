"""How long MedMNIST's protocol takes on this machine: ResNet-18 on each of the twelve 2D sets, 100 epochs, 28 px.

A preflight takes a few real steps on made grey and on made RGB images; its speeds, and the counts of images in the
catalog, give the time of each set. Nothing is downloaded, and nothing is trained to its end.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from benchmarks.conditions import conditions, write_result
from benchmarks.engine import refuse_without_gpu, silent
from benchmarks.made_images import make_images
from xaitui.catalog.medmnist import MEDMNIST
from xaitui.config.resolve import Layer, preset_layer, resolve
from xaitui.config.units import format_duration
from xaitui.jobs.preflight.preflight import preflight
from xaitui.jobs.preflight.report import Preflight
from xaitui.stop import Stop


def measured(folder: Path, channels: int, options: argparse.Namespace) -> Preflight:
    """The preflight of MedMNIST's protocol on made images with so many channels."""
    data = make_images(folder / f"{channels}.npz", options.images, options.images // 10, channels=channels)
    settings = {"data.dataset": str(data), "run.device": options.device, "training.precision": options.precision}
    settings["model.name"] = options.model
    config = resolve([preset_layer("medmnist"), Layer("the benchmark", settings)]).config
    return preflight(config, Stop(), silent)


def seconds_of(counts: tuple[int, int, int], speeds: Preflight) -> float:
    """Seconds of a run on a set with so many images in its splits."""
    train, val, test = counts
    return replace(speeds, train_images=train, val_images=val, test_images=test).run_seconds


def report(seconds: Mapping[str, float]) -> None:
    """Print the time of each set and of all."""
    for name, value in seconds.items():
        print(f"{name:<16} {format_duration(value):>10}")
    print(f"{'all':<16} {format_duration(sum(seconds.values())):>10}")


def main() -> None:
    """Measure, print, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--model", default="resnet18", help="that of the protocol is resnet18")
    parser.add_argument("--precision", default="float32", help="that of the protocol is float32")
    parser.add_argument("--images", type=int, default=20_000, help="made, of which a few batches are used")
    options = parser.parse_args()
    refuse_without_gpu(options.device)
    with tempfile.TemporaryDirectory() as folder:
        speeds = {channels: measured(Path(folder), channels, options) for channels in (1, 3)}
    seconds = {info.name: seconds_of(info.counts, speeds[info.channels]) for info in MEDMNIST}
    report(seconds)
    rates = {channels: [each.training_speed, each.evaluation_speed] for channels, each in speeds.items()}
    figures = {**conditions(["torch"]), **vars(options), "images_per_second": rates, "seconds": seconds}
    print(f"written to {write_result(f'league_estimate_{options.device}', figures)}")


if __name__ == "__main__":
    main()
