"""Several processes want one run: one writes it, the others are told who does."""

from __future__ import annotations

import random
import re
from pathlib import Path

from tests.faults.kill import TRAIN, assert_as_if_nothing_had_been, go, make_data
from tests.run_commands import events_of, spawn
from xaitui.events import RunFinished
from xaitui.runs.directory import RunDirectory, list_runs
from xaitui.runs.journal.journal import read_journal

REFUSED = re.compile(
    r"xaitui: \S+ is (being written by process \d+ on \S+; stop it first: xaitui stop \S+|finished; .*)"
)


def interrupted(folder: Path, step: int) -> RunDirectory:
    """A run that was killed before a step."""
    make_data(folder)
    code = go([*TRAIN, "--runs-dir", "runs"], folder, "tests.faults.kill:killing_at", f'["step begun", "", {step}]')
    assert code < 0
    return list_runs(folder / "runs")[0]


def one_round(seed: int, folder: Path) -> None:
    """A few processes take up a run at about the same time."""
    draw = random.Random(seed)
    run = interrupted(folder, draw.randrange(1, 15))
    processes = [spawn(["resume", str(run.path), "--headless", "--json"], folder)]
    for _ in range(draw.randint(1, 3)):
        for _ in range(draw.randrange(4)):
            next(events_of(processes[0]), None)  # the first one is so far
        processes.append(spawn(["resume", str(run.path), "--headless", "--json"], folder))
    ends = []
    for process in processes:
        with process:
            words = process.communicate()[1]
            ends.append((process.wait(), words))
    assert sorted(code for code, _ in ends) == [0] + [2] * (len(ends) - 1), f"exit codes {[code for code, _ in ends]}"
    for code, words in ends:
        assert code == 0 or REFUSED.fullmatch(words.splitlines()[-1]), f"it was told: {words}"
    assert sum(isinstance(event, RunFinished) for event in read_journal(run.journal)) == 1
    assert_as_if_nothing_had_been(run)
