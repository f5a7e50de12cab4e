"""Everything that has to be seen on a GPU, in one command: tests, speed, time to accuracy, the reports' epochs.

    python -m benchmarks.gpu --minutes 8 --data-dir DIR --out DIR

Its parts come in order of worth. Each is a process of its own with a bound on its time, and what it gave is written
when it ends, so that a stop at any moment loses one part. A part that needs what is not here is left out and says so:
the package itself needs torch, torchvision, numpy, pillow, typer, pydantic, psutil, scikit-learn, platformdirs and
tomli-w; the rest (`NEEDS` of a part) may be missing.

Into --out go `results.json` (each part: how it ended, its seconds, its figures, the end of its output) and `table.txt`.
With `--device cpu` the same command is a rehearsal on small numbers: its speeds are no measurement, and parts for a GPU
alone are left out.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.conditions import conditions

ROOT = Path(__file__).parent.parent
TAIL = 6_000
"""Characters of a part's output that are kept."""
SHORTEST = 15.0
"""Seconds below which no part is begun."""


@dataclass(frozen=True)
class Part:
    """One process: what it runs, and how long it may take."""

    name: str
    words: tuple[str, ...]
    """After `python -m`; {device} and {data_dir} are filled in."""
    seconds: float
    """The most it may take; the rest goes to the parts after it."""
    needs: tuple[str, ...] = ()
    """Modules without which it is left out."""
    rehearsal: tuple[str, ...] | None = ()
    """Options that are added on a processor, where it is small; None leaves it out there."""
    environment: Mapping[str, str] = field(default_factory=dict)


def _throughput(case: str, seconds: float, *, needs: tuple[str, ...] = (), on_cpu: bool = False) -> Part:
    words = ("benchmarks.training_throughput", "--device", "{device}", "--cases", case, "--rounds", "1")
    small = ("--images", "64") if on_cpu else None
    return Part(f"throughput {case}", (*words, "--data-dir", "{data_dir}"), seconds, needs, small)


PYTEST = (
    "pytest",
    "-m",
    "cuda",
    "-o",
    "addopts=",
    "-q",
    "-p",
    "no:cacheprovider",
    "--durations=10",
    "tests/cuda",
    "tests/unit/data",
)
XCEPTION = ("pretrainedmodels",)
SCREEN = ("textual", "plotext")

PARTS = (
    Part(
        "tests",
        PYTEST,
        170,
        ("pytest", "pytest_asyncio", "hypothesis"),
        ("-k", "labels or host_waits"),
        environment={"XAITUI_REHEARSE": "{device}"},
    ),
    _throughput("simple-cnn/32", 45, on_cpu=True),
    _throughput("resnet18/128,bfloat16", 45),
    _throughput("xception/64,bfloat16", 40, needs=XCEPTION),
    _throughput("simple-cnn/256", 30),
    _throughput("resnet18/1024,bfloat16", 45),
    _throughput("simple-cnn/4096", 30),
    _throughput("resnet18/128", 40),
    _throughput("resnet18/128,bfloat16,compiled", 90),
    _throughput("xception/best,bfloat16", 60, needs=XCEPTION),
    _throughput("xception/32,bfloat16", 40, needs=XCEPTION),
    Part(
        "epoch of ResNet-18 at PathMNIST's size",
        ("benchmarks.epoch_time", "--device", "{device}", "--cases", "resnet18"),
        40,
        rehearsal=("--images", "32", "--batch-size", "16"),
    ),
    Part(
        "epoch of the report's Xception",
        ("benchmarks.epoch_time", "--device", "{device}", "--cases", "xception"),
        90,
        XCEPTION,
        None,
    ),
    Part(
        "fast-mnist to 99 %",
        (
            *("benchmarks.time_to_accuracy", "--device", "{device}", "--presets", "fast-mnist", "--seeds", "3"),
            *("--data-dir", "{data_dir}"),
        ),
        40,
        rehearsal=("--seeds", "1", "--accuracy", "0.2", "--every", "4"),
    ),
    Part(
        "augmentation",
        ("benchmarks.augmentation_cost", "--device", "{device}", "--rounds", "2"),
        60,
        rehearsal=("--cases", "simple-cnn/256", "--images", "512", "--rounds", "1"),
    ),
    Part(
        "streaming",
        ("benchmarks.streaming_speed", "--device", "{device}", "--rounds", "2", "--memory-images", "0"),
        60,
        rehearsal=("--cases", "simple-cnn/256", "--images", "512", "--rounds", "1"),
    ),
    Part(
        "console against headless",
        (
            *("benchmarks.console_training", "--device", "{device}", "--rounds", "2", "--sizes", "120x40"),
            *("--images", "40000", "--epochs", "12"),
        ),
        120,
        SCREEN,
        ("--images", "1600", "--epochs", "6", "--rounds", "1"),
    ),
    Part(
        "estimate of the league",
        ("benchmarks.league_estimate", "--device", "{device}"),
        60,
        rehearsal=("--images", "640", "--model", "simple-cnn"),
    ),
)


@dataclass(frozen=True)
class Outcome:
    """How a part ended."""

    part: str
    status: str
    """"passed", "failed", "out of time", or "left out"."""
    seconds: float = 0.0
    why: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)
    """What it wrote, by file."""
    output: str = ""
    """The end of what it printed."""


def left_out(part: Part, device: str, remaining: float) -> str:
    """Why a part is not run; empty where it is."""
    if missing := [name for name in part.needs if find_spec(name) is None]:
        return f"{', '.join(missing)} is not installed"
    if device == "cpu" and part.rehearsal is None:
        return "for a GPU alone"
    return "no time is left" if remaining < SHORTEST else ""


def run_part(part: Part, options: argparse.Namespace, seconds: float) -> Outcome:
    """Run a part, for so many seconds at most."""
    small = part.rehearsal if options.device == "cpu" else ()
    words = [word.format(device=options.device, data_dir=options.data_dir) for word in (*part.words, *(small or ()))]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        results, log = Path(folder) / "results", Path(folder) / "log"
        environment = {
            **os.environ,
            **{name: value.format(device=options.device) for name, value in part.environment.items()},
            "BENCHMARK_RESULTS": str(results),
            "XDG_CACHE_HOME": folder,
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])),
        }
        with log.open("wb") as output, _process([sys.executable, "-m", *words], environment, output) as process:
            try:
                code = process.wait(seconds)
                status = "passed" if code == 0 else "failed"
            except subprocess.TimeoutExpired:
                code, status = -1, "out of time"
        figures = {path.stem: json.loads(path.read_text()) for path in sorted(results.glob("*.json"))}
        why = f"exit code {code}" if status == "failed" else ""
        text = log.read_text(errors="replace")[-TAIL:]
        return Outcome(part.name, status, round(time.monotonic() - began, 1), why, figures, text)


@contextlib.contextmanager
def _process(words: Sequence[str], environment: Mapping[str, str], output: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own; it and all that it began are killed at the end of the block."""
    process = subprocess.Popen(
        words, cwd=ROOT, env=dict(environment), stdout=output, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def table(outcomes: Sequence[Outcome]) -> str:
    """A line for each part, and below it the goals that it names."""
    lines = []
    for each in outcomes:
        why = f": {each.why}" if each.why else ""
        lines.append(f"{each.part:<42} {each.status:<12} {each.seconds:>7.1f} s{why}")
        goals = [line.strip() for line in each.output.splitlines() if "(goal" in line or " passed" in line]
        lines += [f"    {line}" for line in goals]
    return "\n".join(lines) + "\n"


def write(out: Path, about: Mapping[str, Any], outcomes: Sequence[Outcome]) -> None:
    """Write what there is so far."""
    out.mkdir(parents=True, exist_ok=True)
    record = {**about, "parts": [asdict(each) for each in outcomes]}
    part = out / ".results.json"
    part.write_text(json.dumps(record, indent=1) + "\n")
    part.replace(out / "results.json")
    (out / "table.txt").write_text(table(outcomes))


def main() -> None:
    """Run the parts, write and print what they give."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=8.0, help="for all parts together")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda", help="cpu: a rehearsal")
    parser.add_argument("--data-dir", default="", help="folder of MNIST's files; made images stand in without it")
    parser.add_argument("--out", type=Path, required=True, help="folder for results.json and table.txt")
    parser.add_argument("--parts", nargs="+", default=[], help="those whose name begins so; all without it")
    options = parser.parse_args()
    chosen = [part for part in PARTS if not options.parts or part.name.startswith(tuple(options.parts))]
    until = time.monotonic() + 60 * options.minutes
    packages = ["torch", "torchvision", "numpy", "lightning", "textual", "captum"]
    about = {**conditions(packages), "minutes": options.minutes, "device": options.device}
    outcomes: list[Outcome] = []
    for part in chosen:
        remaining = until - time.monotonic()
        why = left_out(part, options.device, remaining)
        outcome = (
            Outcome(part.name, "left out", why=why) if why else run_part(part, options, min(part.seconds, remaining))
        )
        outcomes.append(outcome)
        write(options.out, about, outcomes)
        print(table([outcome]), end="", flush=True)
    print(f"written to {options.out}/results.json and {options.out}/table.txt")
    if any(each.status in ("failed", "out of time") for each in outcomes):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
