"""SIGKILL at every named point, then resume: the weights are those of a run that nobody killed, bit for bit."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from tests.faults.kill import (
    TRAIN,
    assert_as_if_nothing_had_been,
    go,
    make_data,
    one_round,
    survive,
)
from tests.fork_server import Forked
from tests.run_commands import environment, run_command, spawn
from xaitui.runs.directory import list_runs
from xaitui.runs.state import State, summarise
from xaitui.system.fault_points import Point

FILES = (
    "CHECKSUMS",
    "config.toml",
    "environment.json",
    "preprocessing.json",
    "heartbeat",
    "metrics.csv",
    "last.pt",
    "last.pt",
    "best.pt",
    "probe.npz",
    "epoch-0001.npz",
    "epoch-0002.npz",
    "val.npz",
    "test.npz",
)
"""What a run writes whole; the first one is a memo of its data file in the cache. The second last.pt replaces one."""
LINES = (
    "RunStarted",
    "Note",
    "EpochStarted",
    "StepLogged",
    "CheckpointSaved",
    "Evaluated",
    "EpochFinished",
    "RunFinished",
)
SYNCED = ("RunStarted", "CheckpointSaved", "RunFinished")
VISITED: dict[Point, tuple[str, ...]] = {
    **dict.fromkeys(
        (Point.FILE_OPENED, Point.FILE_WRITTEN, Point.FILE_SYNCED, Point.FILE_RENAMED, Point.FILE_DONE), FILES
    ),
    **dict.fromkeys((Point.LINE_BEGUN, Point.LINE_WRITTEN), LINES),
    Point.LINE_SYNCED: SYNCED,
    **dict.fromkeys((Point.ROW_BEGUN, Point.ROW_WRITTEN), ("metrics.csv",)),
    **dict.fromkeys((Point.STEP_BEGUN, Point.STEP_DONE), ("",)),
    **dict.fromkeys((Point.EVALUATION_BEGUN, Point.EVALUATION_BATCH, Point.EVALUATION_DONE), ("",)),
}
"""The points of a run, and what is written at each."""
TWICE = frozenset({"StepLogged", ""})
"""What is written often: there the second time is fatal."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_data(tmp_path)
    return tmp_path


def test_every_point_of_a_run_is_known(folder: Path) -> None:
    note = folder / "points"
    assert go([*TRAIN, "--runs-dir", "runs"], folder, "tests.faults.kill:noting", str(note)) == 0
    seen: dict[str, set[str]] = {}
    for line in note.read_text().splitlines():
        point, what = json.loads(line)
        seen.setdefault(point, set()).add(re.sub(r"^[0-9a-f]{32}\.json$", "CHECKSUMS", what))
    assert {point: set(what) for point, what in VISITED.items()} == seen


@pytest.mark.parametrize("point", VISITED, ids=lambda point: point.name.lower())
def test_a_run_that_is_killed_at_a_point_goes_on_as_if_it_had_not_been(folder: Path, point: Point) -> None:
    def kill(what: str, words: Sequence[str]) -> int:
        argument = json.dumps([point, what, int(what in TWICE)])
        return go(words, folder, "tests.faults.kill:killing_at", argument)

    whats = [what for what in VISITED[point] if what != "CHECKSUMS"]
    assert_as_if_nothing_had_been(survive(folder, [partial(kill, what) for what in whats]))


def test_a_run_that_died_before_its_settings_were_written_says_that_it_never_began(folder: Path) -> None:
    argument = json.dumps([Point.FILE_WRITTEN, "config.toml", 0])
    assert go([*TRAIN, "--runs-dir", "runs"], folder, "tests.faults.kill:killing_at", argument) == -signal.SIGKILL
    run = list_runs(folder / "runs")[0]
    assert run_command(["runs", "ls"], folder).stdout.splitlines()[1].startswith("broken")
    refused = run_command(["resume", run.id, "--headless"], folder)
    assert refused.returncode == 3
    assert refused.stderr == f"xaitui: {run.id} never began: train anew; to remove it: xaitui runs rm {run.id}\n"
    assert run_command(["runs", "rm", run.id, "--yes"], folder).returncode == 0
    assert list_runs(folder / "runs") == []


def test_a_run_that_is_killed_at_any_moment_goes_on_as_if_it_had_not_been(folder: Path) -> None:
    one_round(1, folder)


def test_a_reader_that_leaves_does_not_end_the_run(folder: Path) -> None:
    with spawn([*TRAIN, "--runs-dir", "pipe"], folder) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        process.wait()
    run = list_runs(folder / "pipe")[0]
    assert process.returncode == 0
    assert summarise(run).state is State.FINISHED
    assert "was given up" in run.log.read_text()


def test_a_lost_terminal_does_not_end_the_run(folder: Path) -> None:
    master, slave = pty.openpty()
    words = [*(word for word in TRAIN if word != "--json"), "--runs-dir", "pty"]
    process = Forked(words, folder, environment(), stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    seen = b""
    while b"epoch" not in seen:
        seen += os.read(master, 1024)
    os.close(master)
    assert process.wait() == 0
    run = list_runs(folder / "pty")[0]
    assert summarise(run).state is State.FINISHED
