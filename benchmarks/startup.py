"""How long a user waits for `xaitui --help`, against the `--help` of the smallest Typer apps.

The peers have two commands and nothing else: one with Typer's plain help, as xaitui has it, and one as Typer comes,
whose help is drawn by rich. Each round starts every program once, in a new order, so that what the machine does beside
it falls on all alike; the medians are compared.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.conditions import conditions, write_result
from benchmarks.interleaved import in_turns, verdict

GOAL = 1.5
"""xaitui may take so many times what the plain peer takes."""

OURS = "xaitui --help"
PLAIN = "two commands, plain help"
PEERS = {PLAIN: "typer.Typer(rich_markup_mode=None, add_completion=False)", "two commands, rich help": "typer.Typer()"}

APP = """
import typer

app = {app}


@app.command()
def first(name: str, count: int = 1) -> None:
    "Do one thing."


@app.command()
def second(name: str, quick: bool = False) -> None:
    "Do another thing."


app()
"""


def programs(folder: Path) -> dict[str, list[str]]:
    """What is compared: the command line of each program."""
    lines = {OURS: [sys.executable, "-m", "xaitui", "--help"]}
    for number, (name, app) in enumerate(PEERS.items()):
        path = folder / f"peer{number}.py"
        path.write_text(APP.format(app=app))
        lines[name] = [sys.executable, str(path), "--help"]
    return lines


def start(line: Sequence[str]) -> float:
    """Seconds that a program takes."""
    began = time.perf_counter()
    subprocess.run(line, stdout=subprocess.DEVNULL, check=True)
    return round(time.perf_counter() - began, 4)


def main() -> None:
    """Measure, print a table, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=21)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        ways = {name: partial(start, line) for name, line in programs(Path(folder)).items()}
        seconds = in_turns(ways, rounds)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    ratio = medians[OURS] / medians[PLAIN]
    print(f"{'program':<26} {'median':>8} {'fastest':>8}  xaitui / it")
    for name, values in seconds.items():
        print(f"{name:<26} {medians[name]:>7.3f}s {min(values):>7.3f}s  {medians[OURS] / medians[name]:.2f}")
    print(f"goal: at most {GOAL} times {PLAIN!r}: {verdict(ratio <= GOAL)}")
    figures = {"rounds": rounds, "goal": GOAL, "ratio": round(ratio, 3), "median_s": medians, "seconds": seconds}
    path = write_result("startup", {**conditions(["typer", "rich"]), **figures})
    print(f"written to {path}")


if __name__ == "__main__":
    main()
