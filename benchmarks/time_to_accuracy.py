"""Seconds of training until 99 % of MNIST's test images are right, by preset.

The clock runs while the engine trains, and stands still while anything is evaluated: the validation at the end of an
epoch, and the test images, which are looked at every few steps, at the lines of the journal. The first look with the
accuracy ends the run; in a run whose rate falls towards its end, one in the middle counts as well as the last. Making
the run (reading the files, building the model, trying a precision) is not counted. The presets are taken in turns, seed
by seed.

That the test images decide when to stop makes the time a figure of speed, not the accuracy one of quality.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.conditions import conditions, write_result
from benchmarks.engine import NeverDue, silent
from benchmarks.interleaved import verdict
from xaitui.config.resolve import Layer, preset_layer, resolve
from xaitui.errors import XaituiError
from xaitui.events import EpochFinished, Evaluated, Event, StepLogged
from xaitui.jobs.prepare import Prepared, prepare
from xaitui.stop import Stop
from xaitui.training.best_weights import Verdict, judge

REPORT, FAST = "report-mnist", "fast-mnist"
GOAL = 1 / 8
"""The part of the report's time that the fast preset may take."""
LOOKS_AN_EPOCH = 10


@dataclass(frozen=True)
class Reached:
    """How far a run had to go; `seconds` is infinite where it ended without."""

    seconds: float
    steps: int
    epochs: float
    accuracy: float
    """Of the last look."""

    def text(self) -> str:
        """In a line."""
        if math.isinf(self.seconds):
            return f"not reached: {self.accuracy:.2%} after {self.epochs:.2f} epochs"
        return f"{self.seconds:.1f} s, {self.steps:,} steps, {self.epochs:.2f} epochs: {self.accuracy:.2%}"


def made(preset: str, seed: int, options: argparse.Namespace) -> Prepared:
    """A run of a preset that is ready for its first step."""
    settings = {"training.seed": seed, "run.device": options.device, "data.data_dir": options.data_dir}
    return prepare(resolve([preset_layer(preset), Layer("the benchmark", settings)]).config, Stop(), silent)


def timed(events: Iterator[Event]) -> Iterator[tuple[Event, float]]:
    """Each event of a trainer with the seconds of training so far."""
    seconds = 0.0
    while True:
        began = time.perf_counter()
        event = next(events, None)
        if event is None:
            return
        seconds += time.perf_counter() - began
        if isinstance(event, Evaluated):
            seconds -= event.seconds
        yield event, seconds


def train_until(run: Prepared, accuracy: float, every: int) -> Reached:
    """Train until the test images are right so often, or to the run's end."""
    trainer, test = run.trainer, run.dataset.read_test()
    every = every or max(1, trainer.steps_per_epoch // LOOKS_AN_EPOCH)
    due, seen = every, 0.0
    for event, seconds in timed(trainer.fit(Stop(), NeverDue())):
        if isinstance(event, EpochFinished) or (isinstance(event, StepLogged) and event.step >= due):
            due = event.step + every
            seen = _returned(judge(trainer, test)).event.scores["accuracy"]
            if seen >= accuracy:
                return Reached(round(seconds, 2), event.step, event.step / trainer.steps_per_epoch, seen)
    return Reached(math.inf, trainer.at.step, trainer.at.step / trainer.steps_per_epoch, seen)


def _returned(work: Generator[Event, None, Verdict]) -> Verdict:
    """Exhaust a generator and give what it returned."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: Verdict = end.value
            return result


def measure(options: argparse.Namespace) -> dict[str, list[Reached]]:
    """What each preset reached with each seed."""
    for preset in options.presets:
        preset_layer(preset)  # a name that is none is to be told before the first training
    reached: dict[str, list[Reached]] = {preset: [] for preset in options.presets}
    shuffle = random.Random(0).shuffle
    for seed in range(options.seeds):
        order = list(options.presets)
        shuffle(order)
        for preset in order:
            result = train_until(made(preset, seed, options), options.accuracy, options.every)
            reached[preset].append(result)
            print(f"{preset}, seed {seed}: {result.text()}", flush=True)
    return reached


def report(medians: Mapping[str, float], accuracy: float) -> None:
    """Print the medians, and how the two presets compare."""
    print(f"\n{'preset':<16} seconds of training until {accuracy:.2%} of the test images are right, median")
    for preset, seconds in medians.items():
        print(f"{preset:<16} {'not reached' if math.isinf(seconds) else f'{seconds:.1f}'}")
    if {REPORT, FAST} <= medians.keys():
        ratio = medians[FAST] / medians[REPORT] if math.isfinite(medians[FAST]) else math.inf
        print(f"{FAST} / {REPORT}: {ratio:.4f} (goal: at most {GOAL:g}): {verdict(ratio <= GOAL)}")


def main() -> None:
    """Measure, print a table, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presets", nargs="+", default=[REPORT, FAST])
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 0 on")
    parser.add_argument("--accuracy", type=float, default=0.99)
    parser.add_argument(
        "--every", type=int, default=0, help="steps between two looks; 0 is a tenth of an epoch of each"
    )
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--data-dir", default="", help="folder of MNIST's files; XAITUI_DATA_DIR is looked in too")
    options = parser.parse_args()
    try:
        reached = measure(options)
    except XaituiError as error:
        raise SystemExit(str(error)) from None
    medians = {preset: statistics.median(result.seconds for result in results) for preset, results in reached.items()}
    report(medians, options.accuracy)
    figures = {
        **vars(options),
        "data_dir": "",
        "goal": GOAL,
        "median_s": _finite(medians),
        "runs": {preset: _rows(results) for preset, results in reached.items()},
    }
    print(f"written to {write_result('time_to_accuracy', {**conditions(['torch', 'numpy']), **figures})}")


def _finite(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def _rows(results: Sequence[Reached]) -> list[dict[str, Any]]:
    return [{**asdict(result), **_finite({"seconds": result.seconds})} for result in results]


if __name__ == "__main__":
    main()
