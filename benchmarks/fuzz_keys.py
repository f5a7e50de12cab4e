"""Whether random keys can break the console: bursts of input into a real terminal, while a run is training in it.

What is sent are keys, escape sequences, mouse events, pastes, noise and new sizes of the terminal (tests/tui/
random_input.py). The console may be left by them, and a run may be stopped, for that is what some keys are for: then
the console is opened again, on a new run where none is going on. A crash is an exit code other than 0, a traceback, a
terminal that is not left as it was, or a console that answers no key. In the end every run must be in other hands or
have ended properly.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import random
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from benchmarks.conditions import conditions, write_result
from benchmarks.in_terminal import Terminal
from tests.tui.every_screen import make_two
from tests.tui.random_input import bursts, size
from xaitui.runs.directory import RunDirectory, list_runs
from xaitui.runs.requests import Request, ask
from xaitui.runs.state import State, summarise
from xaitui.studies.folder import list_studies

TRAIN = ("train", "--model", "simple-cnn-v1", "--epochs", "100000", "--threads", "1")
PATIENCE = 90.0
"""Seconds after which a console is said to hang."""
PAUSE = 0.15
"""The longest pause between two bursts, in seconds."""
LOOK_EVERY = 500
"""Keys after which it is looked whether the console still answers."""
WORDS = 3000
"""Characters of a crash that are kept."""
KEPT_BYTES = 200_000
"""Of what the console sends."""
XON = b"\x11"
"""Lets a terminal go on that a ctrl+s stopped, which came in the moment after the console had given it back."""
HELP, ANSWER = b"\x1bOP", b"Keys; esc goes back"
ENTERS_SCREEN, LEAVES_SCREEN = b"\x1b[?1049h", b"\x1b[?1049l"


@dataclass
class Outcome:
    """What became of all keys."""

    keys: int = 0
    consoles: int = 0
    """How many times the console was opened."""
    resizes: int = 0
    crashes: list[str] = field(default_factory=list)
    """What was seen last, each with the number of the key."""
    runs: dict[str, int] = field(default_factory=dict)
    """How the runs ended, by state."""
    lost: list[str] = field(default_factory=list)
    """Runs that nobody carries on and that did not end by themselves or by request."""
    seconds: float = 0.0

    def crashed(self, seed: int, what: str) -> None:
        """Note that a console crashed, and say so at once."""
        self.crashes.append(f"key {self.keys}, seed {seed}: {what}")
        print(self.crashes[-1], flush=True)


class Console(Terminal):
    """The console, with a terminal that changes its size and keeps what came last."""

    def __init__(self, words: Sequence[str], folder: Path) -> None:
        places = {name: str(folder / name) for name in ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME")}
        nowhere = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
        command = [sys.executable, "-m", "xaitui", *words, "--runs-dir", str(folder / "runs")]
        super().__init__(command, (100, 30), places | nowhere)
        self.settings = termios.tcgetattr(self._master)
        self._has_left = False

    @property
    def is_over(self) -> bool:
        """Whether its process has ended."""
        return self.process.poll() is not None

    @property
    def seen(self) -> bytes:
        """What came last."""
        with self._arrived:
            text = b"".join(piece for _, piece in self.sent)[-KEPT_BYTES:]
            self.sent[:] = [(time.monotonic(), text)]
        return text

    @property
    def words(self) -> str:
        """The words that came last, without escape sequences."""
        text = re.sub(r"\x1b(\[[0-9;?<>=]*[a-zA-Z]|[^\[])", "", self.seen.decode(errors="replace"))
        return re.sub(r"\s+", " ", text)[-WORDS:]

    @property
    def has_left(self) -> bool:
        """Whether it has left the screen, and not entered it again since."""
        left, entered = (self.seen.rfind(each) for each in (LEAVES_SCREEN, ENTERS_SCREEN))
        self._has_left = self._has_left if left == entered else left > entered
        return self._has_left

    def forget(self) -> None:
        """Keep nothing of what was drawn so far; once it has left the screen, words are no drawing."""
        if not self.has_left:
            with self._arrived:
                self.sent.clear()

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGWINCH)

    def type(self, keys: bytes) -> bool:
        """Send keys, as fast as they are read; False where nobody reads them any more."""
        deadline = time.monotonic() + PATIENCE
        while keys and not self.is_over:
            if select.select([], [self._master], [], 0.1)[1]:
                keys = keys[os.write(self._master, keys[:256]) :]
            elif time.monotonic() > deadline:
                return False
        return True

    def answers(self) -> bool:
        """Whether a key still does something, or the console has ended."""
        self.resize(100, 30)
        deadline = time.monotonic() + PATIENCE
        self.forget()
        while not self.is_over and time.monotonic() < deadline:
            for keys in (b"\x1b[201~", b"\r", *[b"\x1b"] * 4, HELP):  # out of pastes, lent terminals and dialogs
                self.type(keys)
                time.sleep(0.12)
            if ANSWER in self.seen:
                return True
            if not self.seen:
                self.type(XON)
            time.sleep(0.3)
        return self.is_over

    def problem(self) -> str:
        """What was wrong with its end; empty where it ended well."""
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return f"it does not end: {self.words}"
        self._reader.join()
        if code not in (0, 128 + signal.SIGTERM) or "Traceback" in self.words:
            return f"exit code {code}: {self.words}"
        if not self.has_left:
            return f"it does not leave the screen: {self.words}"
        after = termios.tcgetattr(self._master)
        return "" if after == self.settings else f"the terminal's settings are {after}, not {self.settings}"


def session(folder: Path, keys: int, seed: int, outcome: Outcome) -> None:
    """Open the console, on a new run where none is live, and type until it ends or the keys are used up."""
    live = [run for run in list_runs(folder / "runs") if summarise(run).state.is_live]
    draw, typed = random.Random(seed), bursts(seed)
    next_look = outcome.keys + LOOK_EVERY
    with Console((*TRAIN,) if not live else ("console",), folder) as console:
        outcome.consoles += 1
        console.wait_for([ENTERS_SCREEN], PATIENCE)
        while outcome.keys < keys and not console.is_over:
            burst = next(typed)
            outcome.keys += len(burst)
            hangs = not console.type(b"".join(burst))
            if draw.random() < 0.2:
                outcome.resizes += 1
                console.resize(*size(draw))
            if outcome.keys >= next_look or hangs:
                next_look = outcome.keys + LOOK_EVERY
                if hangs or not console.answers():
                    outcome.crashed(seed, f"it answers no key: {console.words}")
                    return
                _keep_one(folder)
            time.sleep(draw.uniform(0.0, PAUSE))
        if not console.is_over:
            console.process.send_signal(signal.SIGTERM)
        if problem := console.problem():
            outcome.crashed(seed, problem)


def _keep_one(folder: Path) -> None:
    """Have all live runs but the newest stop: random keys start some, and the machine is small."""
    live = [run for run in list_runs(folder / "runs") if summarise(run).state.is_live]
    for run in sorted(live, key=lambda run: run.id)[:-1]:
        ask(run.path, Request.STOP)
    for study in list_studies(folder / "runs"):
        study.stop.touch()


def end_all(folder: Path, outcome: Outcome) -> None:
    """Ask whatever still trains to end, and count how all runs ended."""
    for study in list_studies(folder / "runs"):
        study.stop.touch()
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        live = [run for run in list_runs(folder / "runs") if summarise(run).state.is_live]
        if not live:
            break
        for run in live:
            ask(run.path, Request.STOP)
        time.sleep(1)
    states = {run.id: summarise(run) for run in list_runs(folder / "runs")}
    outcome.runs = dict(Counter(each.state.value for each in states.values()))
    outcome.lost = [f"{name}: {each.why}" for name, each in states.items() if _is_lost(each.run, each.state)]


def _is_lost(run: RunDirectory, state: State) -> bool:
    made = run.id.endswith(("aaaa", "bbbb"))  # by make_two: events without a process
    return not made and (state.is_live or state is State.INTERRUPTED)


def main() -> None:
    """Command line: how many keys, and which."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    outcome, began = Outcome(), time.monotonic()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        make_two(folder / "runs")
        while outcome.keys < options.keys:
            session(folder, options.keys, options.seed + outcome.consoles, outcome)
            print(f"{outcome.keys:,} keys, {outcome.consoles} consoles, {len(outcome.crashes)} crashes", flush=True)
        end_all(folder, outcome)
        for child in psutil.Process().children(recursive=True):
            child.kill()
    outcome.seconds = round(time.monotonic() - began, 1)
    print("\n".join(outcome.lost))
    print(f"{outcome.keys:,} keys in {outcome.seconds:.0f} s, {outcome.resizes} sizes, {outcome.consoles} consoles")
    print(f"{len(outcome.crashes)} crashes (goal: none); runs {outcome.runs}, {len(outcome.lost)} lost (goal: none)")
    result = {"conditions": conditions(["textual", "torch"]), "seed": options.seed, **asdict(outcome)}
    print(f"written to {write_result('fuzz_keys', result)}")
    raise SystemExit(bool(outcome.crashes or outcome.lost))


if __name__ == "__main__":
    main()
