"""How many images a second are trained, against what computing alone allows and against two usual ways of training.

Compared are, on the same images, with the same model, Adam and batch size:

xaitui
    The engine as a user gets it, all settings at their defaults: an epoch, the evaluation not counted.
limit
    The same model, in the precision that the engine took, on one batch that lies on the device already, so that nothing
    but computing is left. Contiguous or channels_last, Adam as torch has it or fused: all four are measured, and the
    fastest is the limit.
MedMNIST
    Images one by one through PIL and torchvision's transforms, DataLoader without workers and with two, on a GPU with
    eight, the loop of MedMNIST's own script, which reads the loss at each step.
Lightning
    Its Trainer on the same DataLoader without workers; logger, checkpoints and progress bar are off. Left out where it
    is not installed.

All run in one process, in turns, so that what torch keeps for a process is the same for all; the first round is not
counted, and medians are compared. The clock runs from the end of the first step: neither that nor the start of workers
is what is compared, and what workers load until then is a gift to them. SimpleCNN is trained on MNIST, the others on a
made set of RGB images.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.conditions import conditions, write_result
from benchmarks.engine import RESNET18, SIMPLE_CNN, Training, epoch_speed, prepared, refuse_without_gpu, silent
from benchmarks.interleaved import in_turns, verdict
from benchmarks.made_images import make_images, take_mnist
from benchmarks.peers import Work, limit_speed, medmnist_speed
from xaitui.config.resolve import build_config
from xaitui.config.units import AUTO
from xaitui.errors import XaituiError
from xaitui.jobs.preflight.preflight import settle_batch_size
from xaitui.stop import Stop

OURS, LIMIT, MEDMNIST, LIGHTNING = "xaitui", "limit", "MedMNIST", "Lightning"
WORKERS = {"cpu": (0, 2), "cuda": (8,)}
PEER_IMAGES = 8_192
"""Images of a peer's pass at the most, and two batches at the least: its speed is the same from the first second on."""
BEST = 0
"""The batch size of a case that is measured with the largest batch that fits, as ``--batch-size auto`` finds it."""
LIMITS = {
    f"{LIMIT}: {layout}, {update}": {"channels_last": layout == "channels_last", "fused": update == "fused"}
    for layout in ("contiguous", "channels_last")
    for update in ("plain", "fused")
}

LIMIT_GOAL = 0.95
PEER_GOALS = {"cpu": 1.5, "cuda": 5.0}
"""How many times faster than the other ways xaitui is to be."""


@dataclass(frozen=True)
class Case(Training):
    """A training, with what is expected of it."""

    is_mnist: bool = False
    image_size: int = 28
    precision: str = ""
    """Where it is not the engine's default."""
    compile: bool = False
    has_peers: bool = True
    medmnist_goal: Mapping[str, float] | None = None
    """Where it is not that of `PEER_GOALS`."""
    speed_goal: float = 0.0
    """Images a second."""
    reported: str = ""
    """What the report had, in images a second."""

    @property
    def name(self) -> str:
        """As it is chosen with --cases."""
        size = "best" if self.batch_size == BEST else self.batch_size
        words = [f"{self.model}/{size}", *filter(None, [self.precision]), *(["compiled"] if self.compile else [])]
        return ",".join(words)


XCEPTION: dict[str, Any] = {
    "image_size": 168,
    "precision": "bfloat16",
    "has_peers": False,
    "reported": "94-150",
}
RESNET_GOAL = {"cuda": 10.0}

CASES = {
    case.name: case
    for case in (
        Case("simple-cnn-v1", 32, {"cpu": 8_192, "cuda": 32_768}, is_mnist=True),
        Case("simple-cnn-v1", 256, {"cpu": 8_192, "cuda": 53_760}, is_mnist=True),
        *(Case(**vars(training), is_mnist=True) for training in SIMPLE_CNN),
        Case("simple-cnn", 4096, {"cuda": 245_760}, has_peers=False),
        Case(**vars(RESNET18), medmnist_goal=RESNET_GOAL),
        Case("resnet18", 128, {"cuda": 51_200}, precision="bfloat16", medmnist_goal=RESNET_GOAL),
        Case("resnet18", 128, {"cuda": 51_200}, precision="bfloat16", compile=True, has_peers=False),
        Case("resnet18", 1024, {"cuda": 102_400}, precision="bfloat16", medmnist_goal=RESNET_GOAL),
        Case("xception", 32, {"cuda": 6_400}, **XCEPTION),
        Case("xception", 64, {"cuda": 12_800}, **XCEPTION, speed_goal=3000.0),
        Case("xception", BEST, {"cuda": 25_600}, **XCEPTION, speed_goal=5000.0),
    )
}


def settings_of(case: Case, data: Path, device: str) -> dict[str, Any]:
    """The settings of a run of a case."""
    settings = {**case.settings(data, device), "data.image_size": case.image_size, "training.compile": case.compile}
    if case.precision:
        settings["training.precision"] = case.precision
    return settings


def ways(case: Case, data: Path, device: str) -> dict[str, Callable[[], float]]:
    """What is compared: each trains anew when it is called, and returns images a second."""
    settings = settings_of(case, data, device)
    run = prepared(settings)
    dataset = run.dataset
    work = Work(
        model=case.model,
        batch_size=case.batch_size,
        images=np.asarray(dataset.train.images),
        labels=dataset.train.labels,
        classes=len(dataset.info.classes),
        image_size=case.image_size,
        device=device,
        precision=run.resolved.precision,
    )
    compared: dict[str, Callable[[], float]] = {OURS: lambda: epoch_speed(prepared(settings))}
    compared |= {name: partial(limit_speed, work, **limit) for name, limit in LIMITS.items()}
    if case.has_peers:
        few = max(2 * case.batch_size, PEER_IMAGES // case.batch_size * case.batch_size)
        part = replace(work, images=work.images[:few], labels=work.labels[:few])
        compared |= {
            f"{MEDMNIST}, {workers} workers": partial(medmnist_speed, part, workers) for workers in WORKERS[device]
        }
        if find_spec("lightning") is not None:
            from benchmarks.lightning_peer import lightning_speed

            compared[LIGHTNING] = partial(lightning_speed, part)
    return compared


def goals_of(case: Case, device: str, medians: Mapping[str, float]) -> list[tuple[str, float, float]]:
    """What is expected of a case: which figure, what it is, and what it should be at least."""
    ours, goals = medians[OURS], []
    goals.append((f"{OURS} / {LIMIT}", ours / max(medians[name] for name in LIMITS), LIMIT_GOAL))
    goal = PEER_GOALS[device]
    if usual := [speed for name, speed in medians.items() if name.startswith(MEDMNIST)]:
        goals.append((f"{OURS} / {MEDMNIST}", ours / max(usual), (case.medmnist_goal or {}).get(device, goal)))
    if LIGHTNING in medians:
        goals.append((f"{OURS} / {LIGHTNING}", ours / medians[LIGHTNING], goal))
    if case.speed_goal:
        goals.append(("images a second", ours, case.speed_goal))
    return goals


def with_best_batch(case: Case, device: str, folder: Path) -> Case:
    """The case with the largest power of two that fits in the place of "best"."""
    if case.batch_size != BEST:
        return case
    data = make_images(folder / "probe.npz", case.images[device], 256, channels=3)
    config = build_config({**settings_of(case, data, device), "training.batch_size": AUTO})
    found = settle_batch_size(config, Stop(), silent)
    return replace(case, batch_size=int(found[0].training.batch_size))


def report(
    case: Case, images: int, speeds: Mapping[str, Sequence[float]], goals: Sequence[tuple[str, float, float]]
) -> None:
    """Print the figures of a case."""
    medians = {name: statistics.median(values) for name, values in speeds.items()}
    fastest = max(LIMITS, key=lambda name: medians[name])
    precision = case.precision and f", {case.precision}"
    print(f"{case.model}, batch {case.batch_size}, {case.image_size} px{precision}, {images:,} images")
    print(f"  {'way':<34} {'images/s':>9} {'slowest':>9} {'fastest':>9}  {OURS} / it")
    for name, values in speeds.items():
        note = "  <- the limit" if name == fastest else ""
        print(
            f"  {name:<34} {medians[name]:>9.0f} {min(values):>9.0f} {max(values):>9.0f}  "
            f"{medians[OURS] / medians[name]:>6.2f}{note}"
        )
    if case.reported:
        print(f"  the report: {case.reported} images a second")
    for name, value, goal in goals:
        print(f"  {name}: {value:.4g} (goal: at least {goal:g}): {verdict(value >= goal)}")
    print(flush=True)


def measure(case: Case, device: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Measure a case, print it, and return its figures."""
    case = with_best_batch(case, device, folder)
    images = case.count(device, options.images)
    data = folder / f"{case.model}-{case.batch_size}.npz"
    if case.is_mnist and options.data_dir:
        take_mnist(data, options.data_dir, images)
    else:
        make_images(data, images, 256, channels=3)
    speeds = in_turns(ways(case, data, device), options.rounds)
    medians = {name: statistics.median(values) for name, values in speeds.items()}
    goals = goals_of(case, device, medians)
    report(case, images, speeds, goals)
    expected = [{"figure": name, "value": round(value, 4), "goal": goal} for name, value, goal in goals]
    return {
        **asdict(case),
        "measured_images": images,
        "images_per_second": speeds,
        "median": medians,
        "goals": expected,
    }


def chosen_cases(names: Sequence[str], device: str) -> list[Case]:
    """The cases of these names, all that the device has where none is named."""
    chosen = [CASES[name] for name in names] or [case for case in CASES.values() if device in case.images]
    if wrong := [case.name for case in chosen if device not in case.images]:
        raise SystemExit(f"{wrong[0]} is measured on a GPU only: add --device cuda")
    return chosen


def main() -> None:
    """Measure, print tables, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=[], help="all that the device has")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--images", type=int, default=0, help="of one measurement, instead of each case's own number")
    parser.add_argument("--data-dir", default="", help="folder of MNIST's files; XAITUI_DATA_DIR is looked in too")
    options = parser.parse_args()
    refuse_without_gpu(options.device)
    if find_spec("lightning") is None:
        print("Lightning is not compared with, for it is not installed: pip install -e '.[benchmarks]'")
    cases = chosen_cases(options.cases, options.device)
    try:
        with tempfile.TemporaryDirectory() as name:
            figures = {case.name: measure(case, options.device, Path(name), options) for case in cases}
    except XaituiError as error:
        raise SystemExit(str(error)) from None
    kept = {**vars(options), "data_dir": "", "cases": figures}
    packages = ["torch", "torchvision", "lightning", "pillow", "numpy"]
    print(f"written to {write_result(f'training_throughput_{options.device}', {**conditions(packages), **kept})}")


if __name__ == "__main__":
    main()
