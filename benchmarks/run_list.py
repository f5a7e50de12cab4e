"""How long a list of many runs takes: the first time, with the kept rows of an earlier process, and looked at again.

A tenth of the runs are listed too, in the same rounds: the time may grow with their number, and no more than that.

A short real run is made, its epochs are repeated in its journal until there are enough of them, and the whole is copied
under other ids. The files are in the page cache in every case: what is measured is the work of xaitui, not the disk.
"""

from __future__ import annotations

import argparse
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.conditions import conditions, write_result
from benchmarks.interleaved import verdict
from xaitui.runs.directory import RunDirectory
from xaitui.runs.listing.run_list import RunList

GOAL = 1.0
"""Seconds that the first list may take."""
FEWER = 10
"""The short list has so many times fewer runs; the long one may take so many times as long."""

Looks = dict[str, list[tuple[float, float]]]
"""Seconds of each look of a kind, and of its longest step."""

COPIED = ("config.toml", "environment.json", "lock", "metrics.csv")


def real_run(folder: Path) -> RunDirectory:
    """A run of one epoch on the digits."""
    words = ["train", "--headless", "--epochs", "1", "--device", "cpu", "--runs-dir", str(folder)]
    subprocess.run([sys.executable, "-m", "xaitui", *words], check=True, capture_output=True)
    return RunDirectory(next(folder.iterdir()))


def with_epochs(journal: bytes, epochs: int) -> bytes:
    """The journal of a run as long as one of so many epochs, from that of a run of one."""
    head, begin, rest = journal.partition(b'{"event":"EpochStarted"')
    epoch, test, end = rest.partition(b'{"event":"Evaluated"')[0], *_last_lines(rest)
    evaluation = rest[len(epoch) : len(rest) - len(test) - len(end)]
    return head + (begin + epoch + evaluation) * epochs + test + end


def _last_lines(text: bytes) -> tuple[bytes, bytes]:
    lines = text.splitlines(keepends=True)
    return lines[-2], lines[-1]


def copies(run: RunDirectory, folder: Path, count: int, epochs: int) -> None:
    """Lay out the runs."""
    journal = with_epochs(run.journal.read_bytes(), epochs)
    name = re.sub(r"^\d+-\d+-|-[0-9a-f]{4}$", "", run.id)
    for number in range(count):
        copy = RunDirectory(
            folder / f"2026{number // 28 % 12 + 1:02}{number % 28 + 1:02}-{number:06}-{name}-{number:04x}"
        )
        copy.path.mkdir(parents=True)
        copy.journal.write_bytes(journal)
        for file in COPIED:
            shutil.copy(run.path / file, copy.path / file)


def listed(runs: RunList) -> tuple[float, float]:
    """Seconds that a look takes, and the longest step of it, which a key may have to wait for."""
    began = last = time.perf_counter()
    longest = 0.0
    for _ in runs.refresh():
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    return time.perf_counter() - began, longest


def looked_at(folder: Path, cache: Path, looks: Looks) -> None:
    """Look at a folder in each way, once, and add what it took."""
    cache.unlink(missing_ok=True)
    runs = RunList(folder, cache)
    looks["first"].append(listed(runs))
    runs.save()
    runs = RunList(folder, cache)
    looks["next process"].append(listed(runs))
    looks["again"].append(listed(runs))


def measure(folders: Mapping[int, Path], cache: Path, rounds: int) -> dict[int, Looks]:
    """What each kind of look took in each round, by the number of runs."""
    looks: dict[int, Looks] = {count: {"first": [], "next process": [], "again": []} for count in folders}
    for _ in range(rounds):
        for count, folder in folders.items():
            looked_at(folder, cache, looks[count])
    return looks


def medians_of(looks: Looks) -> dict[str, float]:
    """The median time of each kind of look, in seconds."""
    return {kind: statistics.median(seconds for seconds, _ in values) for kind, values in looks.items()}


def report(count: int, looks: Looks) -> None:
    """Print what the looks at so many runs took."""
    print(f"{f'{count} runs':<14} {'median':>8} {'slowest':>8} {'longest step':>13}")
    for kind, median in medians_of(looks).items():
        slowest, step = max(seconds for seconds, _ in looks[kind]), max(step for _, step in looks[kind])
        print(f"{kind:<14} {median:>7.3f}s {slowest:>7.3f}s {1000 * step:>11.1f}ms")


def main() -> None:
    """Measure, print a table, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=11)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        folders = {count: place / str(count) for count in (options.runs, options.runs // FEWER)}
        run = real_run(place / "real")
        for count, folder in folders.items():
            copies(run, folder, count, options.epochs)
        journal = RunDirectory(next(folders[options.runs].iterdir())).journal.stat().st_size
        looks = measure(folders, place / "list.json", options.rounds)
    print(f"runs of {options.epochs} epochs, {journal:,} bytes of journal each")
    for count in folders:
        report(count, looks[count])
    medians = {count: medians_of(looks[count]) for count in folders}
    first, fewer = (medians[count]["first"] for count in folders)
    print(f"goal: the first within {GOAL:g} s: {verdict(first <= GOAL)}")
    print(
        f"{FEWER} times the runs take {first / fewer:.2f} times as long (goal: at most {FEWER}): "
        f"{verdict(first <= FEWER * fewer)}"
    )
    figures = {
        **vars(options),
        "journal_bytes": journal,
        "goal_s": GOAL,
        "ratio": round(first / fewer, 3),
        "median_s": medians,
        "looks_s": looks,
    }
    path = write_result("run_list", {**conditions([]), **figures})
    print(f"written to {path}")


if __name__ == "__main__":
    main()
