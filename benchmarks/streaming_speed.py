"""What streaming a set from disk costs: its speed and its memory against a set that stays in memory.

The same model is trained on the same made RGB images of 28x28, in turns in one process: resident, streamed from a file
that the kernel keeps in its cache, as it does where memory is left, and streamed from a file that it was told to forget
before each measurement, as for a set larger than memory. Memory is that of processes of their own: how far the largest
resident size of one that trains some steps on a large set lies above that of one that does the same on a small one.
`streaming_memory` has the limit that a set larger than memory is trained under.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.conditions import conditions, write_result
from benchmarks.engine import RESNET18, SIMPLE_CNN, NeverDue, Training, epoch_speed, prepared, refuse_without_gpu
from benchmarks.interleaved import in_turns, verdict
from benchmarks.made_images import make_images
from xaitui.data.row_file import RowFile
from xaitui.events import StepLogged
from xaitui.jobs.prepare import Prepared
from xaitui.stop import Stop

GOAL = 0.9
"""The part of the resident set's speed that streaming is to have."""
CASES = {case.name: case for case in (SIMPLE_CNN[1], RESNET18)}
RESIDENT, STREAMED, FORGOTTEN = "resident", "streaming", "streaming, not in the kernel's cache"
SMALL_BATCHES, STEPS = SIMPLE_CNN[0], 50
"""What memory is taken of: little computing, and as many steps as show what reading a batch leaves behind."""


def run_of(case: Training, data: Path, storage: str, device: str = "cpu") -> Prepared:
    """A run of a case that is ready for its first step."""
    return prepared({**case.settings(data, device), "data.storage": storage})


def forgotten(run: Prepared) -> Prepared:
    """Tell the kernel to drop the file of a streamed run from its cache."""
    images = run.dataset.train.images
    assert isinstance(images, RowFile)
    with images.path.open("rb") as file:
        os.fdatasync(file.fileno())  # pages that are not on the disk yet cannot be dropped
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return run


def speeds_of(case: Training, data: Path, rounds: int, device: str) -> dict[str, list[float]]:
    """Images a second of each way in each round."""
    ways: dict[str, Callable[[], float]] = {
        RESIDENT: lambda: epoch_speed(run_of(case, data, "resident", device)),
        STREAMED: lambda: epoch_speed(run_of(case, data, "streaming", device)),
        FORGOTTEN: lambda: epoch_speed(forgotten(run_of(case, data, "streaming", device))),
    }
    return in_turns(ways, rounds)


def peak() -> int:
    """The largest resident size of this process so far, in bytes.

    Not getrusage's: that begins with the size of the process which started this one.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def peak_of(data: Path, storage: str) -> int:
    """The same of a process that does some steps on a set."""
    command = [sys.executable, "-m", "benchmarks.streaming_speed", "--child", storage, str(data)]
    return int(subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout)


def child(storage: str, data: str) -> None:
    """What such a process does; it ends before the first evaluation."""
    run = run_of(SMALL_BATCHES, Path(data), storage)
    for event in run.trainer.fit(Stop(), NeverDue()):
        if isinstance(event, StepLogged) and event.step >= STEPS:
            break
    print(peak())


def memory_of(folder: Path, images: int) -> dict[str, float]:
    """MiB that a set takes when it is resident, and when it is streamed, above what training takes anyway."""
    few = SMALL_BATCHES.batch_size * 2 * STEPS
    base = peak_of(make_images(folder / "few.npz", few, 100, channels=3), STREAMED)
    data = make_images(folder / "large.npz", images, 100, channels=3)
    taken = {storage: round((peak_of(data, storage) - base) / 2**20, 1) for storage in (RESIDENT, STREAMED)}
    return {"base": round(base / 2**20, 1), "images": round(images * 28 * 28 * 3 / 2**20, 1), **taken}


def measure(case: Training, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Measure a case, print it, and return its figures."""
    images = case.count(options.device, options.images)
    data = make_images(folder / f"{case.model}.npz", images, 256, channels=3)
    speeds = speeds_of(case, data, options.rounds, options.device)
    medians = {name: statistics.median(values) for name, values in speeds.items()}
    print(f"{case.model}, batch {case.batch_size}, 3x28x28, {images:,} images")
    for name, median in medians.items():
        ratio = median / medians[RESIDENT]
        goal = "" if name == RESIDENT else f"  (goal: at least {GOAL:g}): {verdict(ratio >= GOAL)}"
        print(f"  {name:<38} {median:>7.0f} images/s  {ratio:.3f}{goal}", flush=True)
    return {"images": images, "images_per_second": speeds, "median": medians}


def main() -> None:
    """Measure, print tables, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--device", choices=["cpu", "cuda"], default="cpu", help="memory is that of the processor's way"
    )
    parser.add_argument("--images", type=int, default=0, help="of one measurement, instead of each case's own number")
    parser.add_argument("--memory-images", type=int, default=40_000, help="of the set whose memory is taken; 0: not")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(*options.child)
        return
    refuse_without_gpu(options.device)
    with tempfile.TemporaryDirectory() as name:
        os.environ["XDG_CACHE_HOME"] = name  # what is unpacked goes away with the rest
        cases = {case: measure(CASES[case], Path(name), options) for case in options.cases}
        memory = memory_of(Path(name), options.memory_images) if options.memory_images else {}
    if memory:
        resident, streamed = memory[RESIDENT], memory[STREAMED]
        print(f"memory above {memory['base']} MiB, for {memory['images']} MiB of images:")
        print(f"  {resident} MiB resident, {streamed} MiB streaming")
    figures = {**conditions(["torch", "numpy"]), **vars(options), "goal": GOAL, "cases": cases, "memory_mib": memory}
    print(f"written to {write_result(f'streaming_speed_{options.device}', figures)}")


if __name__ == "__main__":
    main()
