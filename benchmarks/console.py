"""What the console costs a training, and whether it answers while it trains.

Each round trains the same run twice, in turns: by `xaitui train --headless`, and in a thread of the console on a real
pty, with both plots of the live screen drawn at every look. Compared is the training speed of the epochs after the
first. Meanwhile a key is written to the pty now and then; its way from there to its handler is timed with one clock.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import random
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.conditions import conditions, write_result
from xaitui.events import EpochFinished
from xaitui.runs.directory import list_runs
from xaitui.runs.journal import read_journal

GOAL_RATIO, GOAL_MS = 0.97, 50.0
SIZES = {"120x40": (120, 40), "80x24": (80, 24), "200x60": (200, 60)}
KEY, KEY_SECONDS = b"j", 0.15
"""A key that the live screen does not know: it is read, dispatched and found to mean nothing, like the first of any."""

PATHS = {"dataset": "data.dataset", "model": "model.name", "epochs": "training.epochs"}

DRIVER = """
import json, sys, time
from pathlib import Path
from xaitui.config.layers import build_config
from xaitui.opening import ConsoleOptions
from xaitui.tui.app import Console
from xaitui.tui.plotting.drawer import Drawer
from xaitui.tui.screens.live import LiveScreen
from xaitui.runs.summary import State

runs_dir, settings, out = Path(sys.argv[1]), json.loads(sys.argv[2]), Path(sys.argv[3])
keys, draws = [], []
draw = Drawer.draw

async def counted(self, *args):
    draws.append(time.monotonic())
    return await draw(self, *args)

Drawer.draw = counted

class Timed(Console):
    def on_key(self, event):
        keys.append(time.monotonic())

    def look(self):
        follower = getattr(self.screen, "follower", None)
        if follower is not None and follower.state not in (State.RUNNING, State.INTERRUPTED):
            out.write_text(json.dumps({"keys": keys, "draws": draws}))
            self.exit(0)

    def on_mount(self):
        super().on_mount()
        self.set_interval(1.0, self.look)

config = build_config(settings)
Timed(ConsoleOptions(runs_dir), lambda console: console.start_run(config)).run()
"""


def made_set(path: Path, images: int) -> Path:
    """Grey images of 28x28 in ten classes, of which anything that learns learns something."""
    draw = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for split, count in (("train", images), ("val", 500), ("test", 500)):
        labels = np.arange(count) % 10
        noise = draw.integers(0, 90, (count, 28, 28))
        arrays[f"{split}_images"] = (noise + 15 * labels[:, None, None]).astype(np.uint8)
        arrays[f"{split}_labels"] = labels[:, None].astype(np.uint8)
    np.savez(path, **arrays)
    return path


def headless(settings: dict[str, Any], runs_dir: Path) -> float:
    """Images a second of a training without a screen."""
    words = [f"--{name}={value}" for name, value in settings.items()]
    command = [sys.executable, "-m", "xaitui", "train", "--headless", f"--runs-dir={runs_dir}", *words]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return speed(runs_dir)


def speed(runs_dir: Path) -> float:
    """The median speed of the epochs after the first, in images a second."""
    epochs = [event for event in read_journal(list_runs(runs_dir)[0].journal) if isinstance(event, EpochFinished)]
    return statistics.median(event.images_per_second for event in epochs[1:])


def in_console(settings: dict[str, Any], folder: Path, size: tuple[int, int]) -> tuple[float, dict[str, Any]]:
    """Images a second in the console, and the milliseconds that each key took, redraws and bytes a second."""
    paths = {"dataset": "data.dataset", "model": "model.name", "epochs": "training.epochs"}
    values = json.dumps(
        {paths.get(name, f"training.{name.replace('-', '_')}"): item for name, item in settings.items()}
    )
    out = folder / "times.json"
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    command = [sys.executable, "-c", DRIVER, str(folder / "runs"), values, str(out)]
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "OMP_WAIT_POLICY": "PASSIVE"}
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
    )
    os.close(slave)
    written, amounts = _type(master, process, folder / "runs")
    os.close(master)
    times = json.loads(out.read_text())
    late = [1000 * (handled - sent) for sent, handled in zip(written, times["keys"], strict=False)]
    seconds = amounts[-1][0] - amounts[0][0]
    draws = [at for at in times["draws"] if amounts[0][0] <= at <= amounts[-1][0]]
    return speed(folder / "runs"), {
        "key_ms": [round(value, 2) for value in late], "lost_keys": len(written) - len(times["keys"]),
        "redraws_per_second": round(len(draws) / 2 / seconds, 2),
        "bytes_per_second": round(sum(amount for _, amount in amounts) / seconds),
    }  # fmt: skip


def _type(master: int, process: subprocess.Popen[bytes], runs_dir: Path) -> tuple[list[float], list[tuple[float, int]]]:
    """Read what is drawn and write keys, from the second epoch to the end of the process."""
    written: list[float] = []
    amounts: list[tuple[float, int]] = []
    pause = random.Random(0)
    due = float("inf")
    while process.poll() is None:
        ready, _, _ = select.select([master], [], [], 0.02)
        if ready:
            try:
                amount = len(os.read(master, 1 << 16))
            except OSError:
                break
            if due < float("inf"):
                amounts.append((time.monotonic(), amount))
        if due == float("inf") and _trains(runs_dir):
            due = time.monotonic()
        if time.monotonic() >= due and not _ended(runs_dir):
            written.append(time.monotonic())
            os.write(master, KEY)
            due = time.monotonic() + KEY_SECONDS * (0.5 + pause.random())
    process.wait()
    return written, amounts


def _trains(runs_dir: Path) -> bool:
    runs = list_runs(runs_dir)
    return bool(runs) and runs[0].journal.exists() and b"EpochFinished" in runs[0].journal.read_bytes()


def _ended(runs_dir: Path) -> bool:
    journal = list_runs(runs_dir)[0].journal
    with journal.open("rb") as file:
        file.seek(max(0, journal.stat().st_size - 4096))
        return b'"Evaluated"' in file.read() and b'"split":"test"' in journal.read_bytes()[-8192:]


def measure(size: tuple[int, int], rounds: int, settings: dict[str, Any]) -> dict[str, Any]:
    """The rounds at one size of the terminal."""
    ratios, keys, others = [], [], []
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            order = [0, 1] if number % 2 == 0 else [1, 0]
            speeds: dict[int, float] = {}
            for which in order:
                if which == 0:
                    speeds[0] = headless(settings, folder / "headless")
                else:
                    speeds[1], answers = in_console(settings, folder, size)
            ratios.append(round(speeds[1] / speeds[0], 4))
            keys += answers.pop("key_ms")
            others.append({"headless": round(speeds[0]), "console": round(speeds[1]), **answers})
    keys.sort()
    return {
        "ratio": statistics.median(ratios), "ratios": ratios, "keys": len(keys),
        "key_p50_ms": keys[len(keys) // 2], "key_p99_ms": keys[int(len(keys) * 0.99)], "key_max_ms": keys[-1],
        "rounds": others,
    }  # fmt: skip


def main() -> None:
    """Measure, print a table, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--images", type=int, default=8000)
    parser.add_argument("--sizes", default=",".join(SIZES))
    options = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as name:
        dataset = made_set(Path(name) / "made.npz", options.images)
        settings = {"dataset": str(dataset), "model": "simple-cnn", "epochs": options.epochs}
        for size in options.sizes.split(","):
            results[size] = measure(SIZES[size], options.rounds, settings)
            row = results[size]
            redraws = statistics.median(item["redraws_per_second"] for item in row["rounds"])
            sent = statistics.median(item["bytes_per_second"] for item in row["rounds"])
            print(f"{size:<8} console / headless {row['ratio']:.3f}   keys p50 {row['key_p50_ms']:.1f} ms, "
                  f"p99 {row['key_p99_ms']:.1f} ms, max {row['key_max_ms']:.1f} ms ({row['keys']} keys)   "
                  f"{redraws:.2f} redraws/s   {sent:,.0f} bytes/s", flush=True)  # fmt: skip
    goals = {"goal_ratio": GOAL_RATIO, "goal_p99_ms": GOAL_MS}
    figures = {"images": options.images, "epochs": options.epochs, **goals, "sizes": results}
    path = write_result("console", {**conditions(["torch", "textual", "plotext"]), **figures})
    target = results.get("120x40")
    if target:
        reached = target["ratio"] >= GOAL_RATIO and target["key_p99_ms"] <= GOAL_MS
        print(f"goals at 120x40: {GOAL_RATIO} and {GOAL_MS:.0f} ms: {'reached' if reached else 'missed'}")
    print(f"written to {path}")


if __name__ == "__main__":
    main()
