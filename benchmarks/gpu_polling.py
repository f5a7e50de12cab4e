"""What it costs to look at the devices once a second: the share of one core, of the whole process and of one look.

Three figures: the processor time of a process that does nothing but sample, over some time; the median time of one
look, with the driver's part apart; and the same again where a GPU is. A machine without a driver says "not measured"
for the GPU, since a look that asks nothing of it costs nothing.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import psutil

from benchmarks.conditions import conditions, write_result
from xaitui.hardware.nvml import Nvml
from xaitui.hardware.sampler import FIRST_SECONDS, Reader, Sampler

GOAL = 1.0
"""Percent of one core."""


def share_of_a_core(seconds: float) -> tuple[float, int]:
    """Percent of one core that a sampler takes at one look a second, and how many looks that were.

    The time of the whole process counts: the thread, its wake-ups, and what the interpreter does for them.
    """
    sampler = Sampler()
    sampler.start()
    time.sleep(FIRST_SECONDS + 0.5)  # the imports' and the driver's opening is not polling
    before, began, first = time.process_time(), time.perf_counter(), len(sampler.history)
    time.sleep(seconds)
    used, passed = time.process_time() - before, time.perf_counter() - began
    looks = len(sampler.history) - first
    sampler.stop()
    return 100 * used / passed, looks


def milliseconds_of_a_look(looks: int) -> list[float]:
    """Processor time of each of some looks, one after another; every tenth also finds the children of our processes."""
    reader = Reader()
    taken = []
    for _ in range(looks):
        began = time.thread_time()
        reader.read()
        taken.append(1000 * (time.thread_time() - began))
    reader.close()
    return taken


def milliseconds_of_the_driver(looks: int) -> list[float] | str:
    """Time by the clock of each question to the driver, for the GPUs of this machine; a word where there are none."""
    nvml = Nvml()
    if nvml.problem:
        return f"not measured: {nvml.problem}"
    taken = []
    for _ in range(looks):
        began = time.perf_counter()
        nvml.read(())
        taken.append(1000 * (time.perf_counter() - began))
    nvml.close()
    return taken


def main() -> None:
    """Measure, print, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--looks", type=int, default=200)
    options = parser.parse_args()
    share, looks = share_of_a_core(options.seconds)
    taken, driver = milliseconds_of_a_look(options.looks), milliseconds_of_the_driver(options.looks)
    figures: dict[str, Any] = {
        "goal_percent_of_a_core": GOAL,
        "percent_of_a_core": round(share, 3),
        "seconds": options.seconds,
        "looks": looks,
        "processes_on_the_machine": len(psutil.pids()),
        "look_median_ms": round(statistics.median(taken), 3),
        "look_mean_ms": round(statistics.mean(taken), 3),
        "look_longest_ms": round(max(taken), 3),
        "gpu_median_ms": driver if isinstance(driver, str) else round(statistics.median(driver), 3),
    }
    for name, value in figures.items():
        print(f"{name:<26} {value}")
    print(f"goal: below {GOAL} % of one core: {'reached' if share < GOAL else 'missed'}")
    path = write_result("gpu_polling", {**conditions(["psutil", "nvidia-ml-py"]), **figures})
    print(f"written to {path}")


if __name__ == "__main__":
    main()
