"""The console in a real terminal: a child process on a pty, which can hang up, refuse or be killed."""

from __future__ import annotations

import fcntl
import itertools
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.run_commands import command, environment, logged_steps
from tests.tui.live_run import events_of_kind
from xaitui.events import HandingOver
from xaitui.runs.directory import RunDirectory, list_runs
from xaitui.runs.journal.journal import read_journal
from xaitui.runs.requests import Request, ask
from xaitui.runs.state import State, summarise

DEADLINE = 90.0
LOOK = 0.1
"""Seconds in which a terminal may be silent before the disk is looked at again; nothing is measured by it."""
LEAVES_SCREEN = b"\x1b[?1049l"

SLOW = ("train", "--model", "simple-cnn-v1", "--epochs", "2000", "--threads", "1")


class Terminal:
    """A child process and the other end of its terminal."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self.master = master
        self.output = b""

    def read_until(self, condition: Callable[[], object]) -> None:
        """Read what is drawn until something holds."""
        silent = 0
        while not condition():
            ready, _, _ = select.select([self.master], [], [], LOOK)
            silent = 0 if ready else silent + 1
            assert silent < DEADLINE / LOOK, self.output[-2000:]
            if ready:
                try:
                    self.output += os.read(self.master, 65536)
                except OSError:  # the child has closed its end
                    self.process.wait(DEADLINE)
                    assert condition(), self.output[-2000:]

    def drain(self) -> None:
        """Read what was sent before the child ended."""
        with suppress(OSError):  # nobody has the other end open
            while True:
                self.output += os.read(self.master, 65536)

    def end(self) -> int:
        """Read to the end, and the exit code."""
        self.read_until(lambda: self.process.poll() is not None)
        return self.process.wait(DEADLINE)


@contextmanager
def terminal(*words: str, cwd: Path, **variables: str) -> Iterator[Terminal]:
    """A process of the command line in a terminal of 80x24 of its own."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

    def take_terminal() -> None:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    env = {**environment(), "TERM": "xterm-256color", **variables}
    process = subprocess.Popen(
        command(*words), cwd=cwd, env=env, stdin=slave, stdout=slave, stderr=slave, preexec_fn=take_terminal
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        with suppress(OSError):
            os.close(master)
        if process.poll() is None:
            process.kill()
            process.wait()


def _trains(folder: Path, steps: int = 5) -> bool:
    runs = list_runs(folder / "runs")
    return bool(runs) and len(logged_steps(runs[0])) >= steps


def _stopped(run: RunDirectory) -> None:
    """Ask a run to stop, and wait until the process that wrote it has said that it did."""
    pid = summarise(run).owner
    assert pid is not None
    ask(run.path, Request.STOP)
    descriptor = os.pidfd_open(pid.pid)
    select.select([descriptor], [], [], DEADLINE)
    os.close(descriptor)
    assert summarise(run).state is State.STOPPED


def test_a_run_outlives_its_terminal_and_no_step_is_lost_or_done_twice(tmp_path: Path) -> None:
    with terminal(*SLOW, cwd=tmp_path) as at:
        at.read_until(lambda: _trains(tmp_path))
        os.close(at.master)  # the line drops
        assert at.process.wait(DEADLINE) == 128 + signal.SIGHUP
    (run,) = list_runs(tmp_path / "runs")
    assert summarise(run).state is State.RUNNING
    with terminal("attach", "last", cwd=tmp_path) as at:
        at.read_until(lambda: events_of_kind(run, "RunResumed"))
        before = len(logged_steps(run))
        at.read_until(lambda: len(logged_steps(run)) > before + 20 and b"running" in at.output)
        os.write(at.master, b"q")
        assert at.end() == 0
        assert LEAVES_SCREEN in at.output
    _stopped(run)
    steps = logged_steps(run)
    assert steps == sorted(set(steps))
    gaps = {after - before for before, after in itertools.pairwise(steps)}
    assert len(gaps) == 1
    assert events_of_kind(run, "RunStarted", "HandingOver", "RunResumed", "RunStopped") == [
        "RunStarted",
        "HandingOver",
        "RunResumed",
        "RunStopped",
    ]


def test_a_terminated_console_saves_its_run_and_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    with terminal(*SLOW, cwd=tmp_path) as at:
        at.read_until(lambda: _trains(tmp_path))
        at.process.send_signal(signal.SIGTERM)
        assert at.end() == 143
        assert LEAVES_SCREEN in at.output
    (run,) = list_runs(tmp_path / "runs")
    assert summarise(run).state is State.STOPPED
    assert events_of_kind(run, "CheckpointSaved")


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_by_hand_leaves_the_terminal_as_it_was(number: signal.Signals, tmp_path: Path) -> None:
    with terminal(cwd=tmp_path) as at:
        before = termios.tcgetattr(at.master)
        at.read_until(lambda: b"No runs yet" in at.output)
        assert termios.tcgetattr(at.master) != before
        at.process.send_signal(number)
        assert at.end() == 128 + number
        at.drain()
        assert termios.tcgetattr(at.master) == before
    for on in (b"\x1b[?1049h", b"\x1b[?1000h", b"\x1b[?1003h", b"\x1b[?1006h", b"\x1b[?2004h"):
        assert at.output.rfind(on.replace(b"h", b"l")) > at.output.rfind(on) > -1, on
    assert at.output.rfind(b"\x1b[?25h") > at.output.rfind(b"\x1b[?25l") > -1, "the cursor is hidden"


BREAKS_A_SCREEN = """
from torch import nn
from xaitui.tui.live.screen import LiveScreen

LiveScreen.action_change_view = lambda screen, field: 1 / 0

def build(num_classes, in_channels, image_size):
    return nn.Sequential(nn.Flatten(), nn.Linear(in_channels * image_size ** 2, num_classes))
"""


def test_a_console_that_breaks_gives_its_run_to_the_background(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(BREAKS_A_SCREEN)
    with terminal("train", "--model", "net.py:build", *SLOW[3:], cwd=tmp_path) as at:
        at.read_until(lambda: _trains(tmp_path) and b"running" in at.output)
        os.write(at.master, b"m")
        at.read_until(lambda: b"ZeroDivisionError" in at.output)
        assert at.end() == 1, at.output[-2000:]
        assert b"the run goes on in the background; look at it with: xaitui attach" in at.output
    (run,) = list_runs(tmp_path / "runs")
    _taken_over(run)
    _stopped(run)


def _taken_over(run: RunDirectory) -> None:
    """Wait until the process that a run was handed to has begun."""
    (handed,) = [event for event in read_journal(run.journal) if isinstance(event, HandingOver)]
    descriptor = os.pidfd_open(handed.pid)
    while not events_of_kind(run, "RunResumed"):
        ended, _, _ = select.select([descriptor], [], [], LOOK)
        assert not ended, run.log.read_text()
    os.close(descriptor)


def test_the_list_is_left_with_a_key_also_without_colours(tmp_path: Path) -> None:
    with terminal(cwd=tmp_path, NO_COLOR="1") as at:
        at.read_until(lambda: b"No runs yet" in at.output)
        os.write(at.master, b"\xe4\xff\xc3G")  # no UTF-8 before the key
        at.read_until(lambda: b"devices of" in at.output)
        os.write(at.master, b"\x03")
        assert at.end() == 0


OLD_SIZE = {"COLUMNS": "60", "LINES": "15"}
"""What a shell may have exported before its window of 80x24 was made larger."""


def test_the_size_of_the_terminal_counts_and_not_an_old_one(tmp_path: Path) -> None:
    with terminal(cwd=tmp_path, **OLD_SIZE) as at:
        at.read_until(lambda: b"No runs yet" in at.output)
        os.write(at.master, b"\x03")
        assert at.end() == 0
    places = re.findall(rb"\x1b\[(\d+);(\d+)H", at.output)
    assert max(int(row) for row, _ in places) == 24
    with terminal("resume", "--help", cwd=tmp_path, **OLD_SIZE) as at:
        at.read_until(lambda: at.process.poll() is not None)
    assert 70 < max(map(len, at.output.splitlines())) <= 80
    piped = subprocess.run(
        command("resume", "--help"),
        cwd=tmp_path,
        env={**environment(), **OLD_SIZE},
        capture_output=True,
        text=True,
        check=True,
    )
    assert 50 < max(map(len, piped.stdout.splitlines())) <= 60


@pytest.mark.parametrize("words", [(), ("--readonly",), ("train",)])
def test_a_dumb_terminal_is_refused_in_one_line(words: tuple[str, ...], tmp_path: Path) -> None:
    with terminal(*words, cwd=tmp_path, TERM="dumb") as at:
        assert at.end() == 2
    assert b"\x1b" not in at.output
    assert at.output.count(b"\n") == 1
    assert at.output.startswith(b"xaitui: the console needs a terminal")


def test_without_a_terminal_the_console_is_refused_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        command(),
        cwd=tmp_path,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("xaitui: the console needs a terminal")
    assert done.stderr.count("\n") == 1
