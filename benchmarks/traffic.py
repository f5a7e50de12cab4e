"""What the console sends to the terminal while it shows a run that goes on: bytes a second, and where they go.

A SimpleCNN trains in the console, in a real terminal of each size; nobody touches a key. The bytes are counted from
some seconds after the first epoch. Each is put to the row of the screen that the cursor stood on.
"""

from __future__ import annotations

import argparse
import itertools
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.conditions import conditions, write_result
from benchmarks.console_training import arguments
from benchmarks.in_terminal import Terminal
from benchmarks.made_images import make_images
from xaitui.runs.directory import list_runs
from xaitui.runs.journal.series import read_series

SIZES = ((80, 24), (120, 40), (200, 60))
TARGET = "80x24"
GOAL = 8192
"""Bytes a second."""
MOVED = re.compile(rb"\x1b\[(\d+);\d+H")
"""The cursor is put somewhere: the row, from 1."""
BEGUN = b"\x1b[?2026h"
"""A frame begins."""


def record(data: Path, runs_dir: Path, size: tuple[int, int], wait: float, seconds: float) -> bytes:
    """What is sent in so many seconds, from `wait` seconds after the end of the first epoch."""
    command = [sys.executable, "-m", "xaitui", *arguments(data, runs_dir, 10_000, "cpu")]
    with Terminal(command, size) as terminal:
        while not _has_epoch(runs_dir):
            if terminal.process.poll() is not None:
                raise RuntimeError(f"the console ended: {b''.join(piece for _, piece in terminal.sent)[-2000:]!r}")
            time.sleep(0.5)
        begin = time.monotonic() + wait
        time.sleep(wait + seconds)
        return b"".join(piece for when, piece in list(terminal.sent) if begin <= when <= begin + seconds)


def _has_epoch(runs_dir: Path) -> bool:
    runs = list_runs(runs_dir) if runs_dir.exists() else []
    return bool(runs) and len(read_series(runs[0]).curve("val_loss")) > 0


def rows_of(sent: bytes) -> dict[int, int]:
    """Bytes by row of the screen, the most first; row 0 is what came before the cursor was first put anywhere."""
    sums: dict[int, int] = {}
    places = [(0, 0), *((match.start(), int(match[1])) for match in MOVED.finditer(sent)), (len(sent), 0)]
    for (begin, row), (end, _) in itertools.pairwise(places):
        sums[row] = sums.get(row, 0) + end - begin
    return dict(sorted(sums.items(), key=lambda item: -item[1]))


def figures_of(sent: bytes, seconds: float) -> dict[str, Any]:
    """The figures of one size."""
    rows = {row: round(count / seconds) for row, count in rows_of(sent).items()}
    return {
        "bytes_a_second": round(len(sent) / seconds),
        "frames_a_second": round(sent.count(BEGUN) / seconds, 2),
        "bytes_a_second_by_row": rows,
    }


def report(sizes: dict[str, dict[str, Any]], most: int = 6) -> None:
    """Print the figures."""
    print(f"{'size':<8} {'bytes/s':>8} {'frames/s':>9}  rows that most goes to (bytes/s)")
    for size, figures in sizes.items():
        rows = list(figures["bytes_a_second_by_row"].items())[:most]
        words = ", ".join(f"{row}: {count}" for row, count in rows)
        print(f"{size:<8} {figures['bytes_a_second']:>8} {figures['frames_a_second']:>9}  {words}")


def measure(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """The figures of each size."""
    sizes = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = make_images(folder / "made.npz", 1600, 200)
        for columns, rows in _sizes(options.sizes):
            size = f"{columns}x{rows}"
            sent = record(data, folder / size, (columns, rows), options.wait, options.seconds)
            sizes[size] = figures_of(sent, options.seconds)
    return sizes


def _sizes(words: Sequence[str]) -> list[tuple[int, int]]:
    return [(int(columns), int(rows)) for columns, _, rows in (word.partition("x") for word in words)]


def main() -> None:
    """Measure, print a table, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wait", type=float, default=5.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--sizes", nargs="+", default=[f"{columns}x{rows}" for columns, rows in SIZES])
    options = parser.parse_args()
    sizes = measure(options)
    report(sizes)
    if TARGET in sizes:
        is_reached = sizes[TARGET]["bytes_a_second"] <= GOAL
        print(f"goal at {TARGET}: at most {GOAL} bytes a second: {'reached' if is_reached else 'missed'}")
    figures = {**vars(options), "goal_bytes_a_second": GOAL, "console": sizes}
    print(f"written to {write_result('traffic', {**conditions(['textual', 'plotext']), **figures})}")


if __name__ == "__main__":
    main()
