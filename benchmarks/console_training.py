"""What training in the console costs: how long a key waits while all cores train, and what is left of the speed.

A SimpleCNN is trained again and again with the same settings, in turns: without a screen, and in the console in a real
terminal of each size. While the console trains, keys are pressed at irregular times: `tab`, which moves the focus from
plot to plot, and each fourth time `v`, which draws another score. A key's latency is the time from its writing to the
terminal until its action is done, in the console's process. The speed is that of the journal, images a second of the
training of each epoch but the first; in each round the console's is divided by the other's, and the medians of the
rounds are what is said. The processor time of the event loop's thread, of which nearly all is Python that the training
thread has to wait for, says the same with less noise.
"""

from __future__ import annotations

import argparse
import itertools
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.conditions import conditions, write_result
from benchmarks.in_terminal import Terminal
from benchmarks.made_images import make_images
from xaitui.events import EpochFinished, RunFinished
from xaitui.runs.directory import list_runs
from xaitui.runs.journal.journal import JournalReader

SIZES = ((120, 40), (80, 24), (200, 60))
TARGET = "120x40"
"""The size that the goals hold for."""
GOAL_MS, GOAL_SPEED, GOAL_REDRAWS = 50.0, 0.97, 1.0
KEYS = (b"\t", b"\t", b"\t", b"v")
KEY_PAUSE = (0.3, 0.7)
"""Seconds between two keys."""

Size = tuple[int, int]


@dataclass(frozen=True)
class Seen:
    """What was seen of one training in the console."""

    speed: float
    latencies_ms: tuple[float, ...]
    keys_lost: int
    redraws_a_second: float
    """Of the first plot; the keys that change the second one do not count."""
    longest_without_redraw_s: float
    loop_ms_a_second: float
    """Processor time of the event loop's thread."""
    no_core_ms_a_second: float
    """Time that the event loop's thread was ready and had no core: much of it means that the machine is too busy."""


Noted = tuple[str, float, float, float]
"""What was done, when, the processor time of the event loop's thread so far, and the time it waited for a core."""


def arguments(data: Path, runs_dir: Path, epochs: int, device: str) -> list[str]:
    """The command line of a training, after `xaitui`."""
    settings = {
        "dataset": data,
        "model": "simple-cnn",
        "batch-size": 32,
        "epochs": epochs,
        "device": device,
        "save-every": 3600,
        "runs-dir": runs_dir,
    }
    return ["train", *(word for name, value in settings.items() for word in (f"--{name}", str(value)))]


def speed(epochs: Sequence[EpochFinished]) -> float:
    """Images a second: the median of the epochs after the first."""
    return statistics.median(event.images_per_second for event in epochs[1:])


def headless(words: Sequence[str], runs_dir: Path) -> float:
    """Train without a screen and return the speed."""
    command = [sys.executable, "-m", "xaitui", *words, "--headless"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    entries = JournalReader(list_runs(runs_dir)[0].journal).poll()
    return speed([entry.event for entry in entries if isinstance(entry.event, EpochFinished)])


class _Journal:
    """The journal of the one run of a folder, as it grows."""

    def __init__(self, runs_dir: Path) -> None:
        self._runs_dir = runs_dir
        self._reader: JournalReader | None = None
        self.epochs: list[EpochFinished] = []
        self.is_over = False

    def look(self) -> None:
        runs = list_runs(self._runs_dir) if self._reader is None and self._runs_dir.exists() else []
        if runs and runs[0].journal.exists():
            self._reader = JournalReader(runs[0].journal)
        for entry in self._reader.poll() if self._reader is not None else ():
            if isinstance(entry.event, EpochFinished):
                self.epochs.append(entry.event)
            self.is_over |= isinstance(entry.event, RunFinished)


def in_console(words: Sequence[str], runs_dir: Path, size: Size, epochs: int, notes: Path) -> Seen:
    """Train in the console, pressing keys from the end of the first epoch to that of the last."""
    journal, pressed = _Journal(runs_dir), list[float]()
    keys, pause = itertools.cycle(KEYS), random.Random(0)
    with Terminal([sys.executable, "-m", "benchmarks.noted_console", str(notes), *words], size) as terminal:
        while len(journal.epochs) < epochs and not journal.is_over:
            if terminal.process.poll() is not None:
                raise RuntimeError(f"the console ended: {b''.join(piece for _, piece in terminal.sent)[-2000:]!r}")
            if journal.epochs:
                pressed.append(terminal.write(next(keys)))
            time.sleep(pause.uniform(*KEY_PAUSE))
            journal.look()
        while not journal.is_over:
            time.sleep(0.1)
            journal.look()
        terminal.write(b"\x11")  # ctrl+q: the run is over, so that nothing is asked
        terminal.process.wait(60)
    lines = [line.split("\t") for line in notes.read_text().splitlines()]
    return seen(journal.epochs, pressed, [(what, float(a), float(b), float(c)) for what, a, b, c in lines])


def seen(epochs: Sequence[EpochFinished], pressed: Sequence[float], notes: Sequence[Noted]) -> Seen:
    """What the keys that were pressed and what was noted come to."""
    done = [when for what, when, _, _ in notes if what == "key" and when > pressed[0]][: len(pressed)]
    within = [note for note in notes if pressed[0] <= note[1] <= pressed[-1]]
    drawn = [when for what, when, _, _ in within if what == "plot loss"]
    if len(drawn) < 2:
        raise SystemExit("the training was over before the plot was drawn twice: more --epochs or --images")
    (_, first, used_first, waited_first), (_, last, used_last, waited_last) = within[0], within[-1]
    return Seen(
        speed=speed(epochs),
        latencies_ms=tuple(1000 * (end - begin) for begin, end in zip(pressed, done, strict=False)),
        keys_lost=len(pressed) - len(done),
        redraws_a_second=(len(drawn) - 1) / (drawn[-1] - drawn[0]),
        longest_without_redraw_s=max(after - before for before, after in itertools.pairwise(drawn)),
        loop_ms_a_second=1000 * (used_last - used_first) / (last - first),
        no_core_ms_a_second=1000 * (waited_last - waited_first) / (last - first),
    )


def measure(folder: Path, options: argparse.Namespace) -> tuple[list[float], dict[str, list[Seen]]]:
    """The speed without a screen of each round, and what was seen at each size."""
    data = make_images(folder / "made.npz", options.images, 200)
    alone, shown = list[float](), {size: list[Seen]() for size in options.sizes}
    shuffle = random.Random(0).shuffle
    for number in range(options.rounds):
        order = ["", *options.sizes]
        shuffle(order)
        for size in order:
            runs_dir = folder / f"{number}-{size}"
            words = arguments(data, runs_dir, options.epochs, options.device)
            if size:
                columns, rows = (int(part) for part in size.split("x"))
                result = in_console(words, runs_dir, (columns, rows), options.epochs, folder / f"{number}-{size}.notes")
                shown[size].append(result)
            else:
                alone.append(headless(words, runs_dir))
    return alone, shown


def figures_of(alone: Sequence[float], shown: Sequence[Seen]) -> dict[str, Any]:
    """The figures of one size."""
    latencies = sorted(value for item in shown for value in item.latencies_ms)
    cuts = statistics.quantiles(latencies, n=100, method="inclusive")
    ratios = [item.speed / base for item, base in zip(shown, alone, strict=True)]
    return {
        "speed_of_headless": round(statistics.median(ratios), 3),
        "speed_of_headless_by_round": [round(ratio, 3) for ratio in ratios],
        "keys": len(latencies),
        "keys_lost": sum(item.keys_lost for item in shown),
        "key_ms_p50": round(cuts[49], 1),
        "key_ms_p99": round(cuts[98], 1),
        "key_ms_longest": round(latencies[-1], 1),
        "redraws_a_second": round(statistics.median(item.redraws_a_second for item in shown), 2),
        "longest_without_redraw_s": round(max(item.longest_without_redraw_s for item in shown), 2),
        "loop_ms_a_second": round(statistics.median(item.loop_ms_a_second for item in shown), 1),
        "no_core_ms_a_second": round(statistics.median(item.no_core_ms_a_second for item in shown), 1),
        "speeds": [round(item.speed, 1) for item in shown],
    }


def is_reached(figures: dict[str, Any]) -> bool:
    """Whether one size reaches the goals. The timer of a second may be late once; on the whole it may not."""
    return bool(
        figures["key_ms_p99"] <= GOAL_MS
        and figures["speed_of_headless"] >= GOAL_SPEED
        and figures["redraws_a_second"] >= 0.99 * GOAL_REDRAWS
        and not figures["keys_lost"]
    )


def main() -> None:
    """Measure, print a table, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--images", type=int, default=1600)
    parser.add_argument("--sizes", nargs="+", default=[f"{columns}x{rows}" for columns, rows in SIZES])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        alone, shown = measure(Path(folder), options)
    sizes = {size: figures_of(alone, items) for size, items in shown.items()}
    print(f"without a screen: {statistics.median(alone):.0f} images a second (median of {len(alone)} rounds)")
    print(f"{'in the console':<26}" + "".join(f"{size:>10}" for size in sizes))
    for name in [name for name, value in next(iter(sizes.values())).items() if not isinstance(value, list)]:
        print(f"{name:<26}" + "".join(f"{figures[name]:>10}" for figures in sizes.values()))
    goal = f"a key within {GOAL_MS:g} ms (p99), {GOAL_SPEED} of the speed, {GOAL_REDRAWS:g} redraw a second"
    for size in sizes.keys() & {TARGET}:
        print(f"goal at {size}: {goal}: {'reached' if is_reached(sizes[size]) else 'missed'}")
    goals = {"size": TARGET, "key_ms_p99": GOAL_MS, "speed": GOAL_SPEED, "redraws_a_second": GOAL_REDRAWS}
    figures = {**vars(options), "goals": goals, "headless_images_per_second": alone, "in_console": sizes}
    path = write_result(
        f"console_training_{options.device}", {**conditions(["torch", "textual", "plotext"]), **figures}
    )
    print(f"written to {path}")


if __name__ == "__main__":
    main()
