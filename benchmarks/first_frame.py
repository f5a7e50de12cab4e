"""How long a user waits for the first frame of `xaitui`, against an empty Textual app, each on a pty of its own."""

from __future__ import annotations

import argparse
import os
import pty
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.conditions import conditions, write_result

GOAL = 1.5
OURS, EMPTY = "xaitui", "an empty Textual app"
MARKS = {OURS: b"runs of", EMPTY: b"nothing but this"}
"""What the first frame of each has on it."""

APP = """
from textual.app import App
from textual.widgets import Static

class Empty(App):
    def compose(self):
        yield Static("nothing but this")

Empty().run()
"""


def wait_for_frame(command: Sequence[str], mark: bytes, cwd: str) -> float:
    """Seconds from the start of a program until its frame is on the terminal."""
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "XAITUI_RUNS_DIR": "runs"}
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, cwd=cwd, env=environment, start_new_session=True
    )
    os.close(slave)
    output = b""
    while mark not in output:
        select.select([master], [], [], 60)
        output += os.read(master, 1 << 16)
    seconds = time.perf_counter() - began
    process.kill()
    process.wait()
    os.close(master)
    return round(seconds, 4)


def main() -> None:
    """Measure in turns, print a table, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    seconds: dict[str, list[float]] = {OURS: [], EMPTY: []}
    commands = {OURS: [sys.executable, "-m", "xaitui"], EMPTY: [sys.executable, "-c", APP]}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PYTHONPATH"] = str(Path(__file__).parent.parent)
        for number in range(rounds + 1):
            for name in (OURS, EMPTY) if number % 2 else (EMPTY, OURS):
                taken = wait_for_frame(commands[name], MARKS[name], folder)
                if number:
                    seconds[name].append(taken)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    ratio = medians[OURS] / medians[EMPTY]
    for name, median in medians.items():
        print(f"{name:<22} {median:.3f} s")
    print(f"ratio {ratio:.2f}; goal: at most {GOAL}: {'reached' if ratio <= GOAL else 'missed'}")
    figures = {"rounds": rounds, "goal": GOAL, "ratio": round(ratio, 3), "median_s": medians, "seconds": seconds}
    print(f"written to {write_result('first_frame', {**conditions(['textual', 'typer']), **figures})}")


if __name__ == "__main__":
    main()
