"""The terminal dies while a screen of the console is seen: the run goes on in the background, and nothing is lost."""

from __future__ import annotations

import itertools
import os
import random
import select
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from tests.faults.kill import go
from tests.run_commands import (
    assert_equal_weights,
    command,
    environment,
    kept_folder,
    logged_steps,
    made_set,
    run_command,
)
from tests.tui.every_screen import BEYOND, ROUTES, make_two
from xaitui.events import HandingOver, RunResumed
from xaitui.runs.directory import RunDirectory, list_runs
from xaitui.runs.journal.journal import read_journal
from xaitui.runs.state import State, summarise

IMAGES, EPOCHS = 2400, 12
TRAIN = (
    "train",
    "--dataset",
    "set.npz",
    "--batch-size",
    "8",
    "--epochs",
    str(EPOCHS),
    "--rotate",
    "10",
    "--ema-decay",
    "0.9",
    "--threads",
    "1",
    "--runs-dir",
    "runs",
)
"""Long enough to be still going on when a terminal dies."""

WAYS = ("hang up", "close", "kill the server", "cut the pipe")
LOOK, DEADLINE = 0.1, 90.0
KEYS = {"enter": "Enter", "space": "Space", "escape": "Escape", "down": "Down", "up": "Up"}
"""What tmux calls them."""


@cache
def uninterrupted() -> RunDirectory:
    """The run in no terminal at all."""
    folder = kept_folder("whole")
    made_set(folder / "set.npz", images=IMAGES)
    assert go([*TRAIN, "--headless"], folder) == 0
    return list_runs(folder / "runs")[0]


@dataclass
class Tmux:
    """A tmux server of its own, with one console in it."""

    socket: Path

    def __call__(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", str(self.socket), *words], capture_output=True, text=True, check=False, timeout=DEADLINE
        )
        return done.stdout

    @property
    def screen(self) -> str:
        """What is seen."""
        return self("capture-pane", "-p")

    def press(self, key: str) -> None:
        """Send a key."""
        self("send-keys", KEYS.get(key, key))

    @property
    def console(self) -> psutil.Process:
        """The process in the pane."""
        return psutil.Process(int(self("display-message", "-p", "#{pane_pid}")))

    @property
    def server(self) -> int:
        """Pid of the one that holds the other end of the console's terminal."""
        return int(self("display-message", "-p", "#{pid}"))


@contextmanager
def tmux(folder: Path, *words: str) -> Iterator[Tmux]:
    """A console of 100x30 in a tmux server that is gone afterwards."""
    at = Tmux(folder / "tmux")
    variables = [
        f"-e{name}={value}" for name, value in environment().items() if name in ("HOME", "XDG_CACHE_HOME", "PYTHONPATH")
    ]
    at("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "30", "-c", str(folder), *variables, *command(*words))
    try:
        yield at
    finally:
        at("kill-server")


def wait_until(condition: Callable[[], object], what: str, process: psutil.Process | None = None) -> None:
    """Look again and again, for as long as a process is there, or for the patience of a test."""
    for _ in range(int(DEADLINE / LOOK)):
        if condition():
            return
        select.select([], [], [], LOOK)
        if process is not None and not process.is_running():
            break
    assert condition(), f"it never came that {what}"


def go_to(at: Tmux, name: str) -> None:
    """From the screen of the run that was started, to a screen of an older run, by keys."""
    console = at.console
    wait_until(lambda: "running" in at.screen, "the run is seen", console)
    at.press("escape")
    wait_until(lambda: "bbbb" in at.screen and "running" in at.screen, "the list is seen", console)
    for key in ("up", "up", "up", "down"):  # to the run below the one that goes on
        at.press(key)
    for key, after in itertools.zip_longest(ROUTES[name], ROUTES[name][1:]):
        before = at.screen
        at.press(key)
        if key != "space" and after is not None:
            wait_until(lambda before=before: at.screen != before, f"{key} shows another screen", console)  # type: ignore[misc]
    wait_until(lambda: BEYOND[name] in at.screen, f"{name} is seen", console)


def let_die(at: Tmux, way: str) -> None:
    """Let the terminal of a console die, and wait until the console has ended."""
    console = at.console
    match way:
        case "hang up":
            console.send_signal(signal.SIGHUP)
        case "close":
            at("kill-pane")
        case "kill the server":
            at("kill-server")
        case _:
            os.kill(at.server, signal.SIGKILL)
    psutil.wait_procs([console], timeout=DEADLINE)
    assert not console.is_running(), "the console stays without a terminal"


def one_way(folder: Path, name: str, way: str) -> None:
    """A terminal that dies in one way while one screen is seen."""
    made_set(folder / "set.npz", images=IMAGES)
    make_two(folder / "runs")
    others = {run.id for run in list_runs(folder / "runs")}
    with tmux(folder, *TRAIN) as at:
        go_to(at, name)
        (run,) = (each for each in list_runs(folder / "runs") if each.id not in others)
        assert summarise(run).state is State.RUNNING, "it was over before the terminal died"
        let_die(at, way)
    (handed,) = (event for event in read_journal(run.journal) if isinstance(event, HandingOver))
    attached = run_command(["attach", run.id, "--plain", "--runs-dir", "runs"], folder)
    assert attached.returncode == 0, attached.stderr
    psutil.wait_procs([psutil.Process(handed.pid)] if psutil.pid_exists(handed.pid) else [], timeout=DEADLINE)
    assert summarise(run).state is State.FINISHED
    assert sum(isinstance(event, RunResumed) for event in read_journal(run.journal)) == 1
    assert logged_steps(run) == logged_steps(uninterrupted()), "a step is missing, or was done twice"
    assert_equal_weights(run, uninterrupted())


def one_round(seed: int, folder: Path) -> None:
    """Each screen in its turn, in any way."""
    one_way(folder, list(ROUTES)[seed % len(ROUTES)], random.Random(seed).choice(WAYS))
