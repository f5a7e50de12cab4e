"""Pictures in the terminal's own graphics: what a terminal is asked, and what one gets that knows none."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.run_commands import environment
from tests.tui.console_pilot import open_console
from xaitui.tui.explain.terminal_graphics import lend, show_sharp

DEVICE_ATTRIBUTES = b"\x1b[c"
SIXEL = b"\x1bP"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "map.png"
    Image.new("RGB", (64, 64), (200, 30, 60)).save(path)
    return path


def shown_in(picture: Path, attributes: bytes) -> tuple[int, bytes]:
    """Exit code and output on a terminal that answers so when it is asked what it can, and whose user presses enter."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 640, 384))  # rows, columns, pixels
    words = [sys.executable, "-m", "xaitui.tui.explain.terminal_graphics", str(picture)]
    variables = environment() | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    process = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env=variables, start_new_session=True)
    os.close(theirs)
    seen, answered = b"", 0
    while b"enter goes back" not in seen:
        seen += os.read(ours, 65_536)
        if seen.count(DEVICE_ATTRIBUTES) > answered:
            answered += 1
            os.write(ours, attributes)
    os.write(ours, b"\n")
    code = process.wait()
    os.close(ours)
    return code, seen


def test_a_terminal_that_speaks_sixel_gets_sixel(picture: Path) -> None:
    code, seen = shown_in(picture, b"\x1b[?62;4;22c")
    assert code == 0
    assert SIXEL in seen


def test_another_one_gets_half_blocks_without_a_word(picture: Path) -> None:
    code, seen = shown_in(picture, b"\x1b[?62;22c")
    assert code == 0
    assert SIXEL not in seen
    assert "▀" in seen.decode(errors="replace") or "▄" in seen.decode(errors="replace")


async def test_a_terminal_that_cannot_be_lent_is_said(runs_dir: Path, picture: Path) -> None:
    async with open_console(runs_dir) as (app, _):
        assert show_sharp(app, [picture]) == "this terminal cannot be lent to another program"


@pytest.fixture
def asked() -> Iterator[list[int]]:
    """The signals that a console in the place of this process was ended by."""
    numbers: list[int] = []
    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, lambda number, frame: numbers.append(number)) for number in wanted}
    yield numbers
    for number, handler in before.items():
        signal.signal(number, handler)


WAITS = "import os, signal; os.kill(os.getppid(), signal.{}); {}"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_ends_the_console_ends_the_pictures_first(number: signal.Signals, asked: list[int]) -> None:
    words = [sys.executable, "-c", WAITS.format(number.name, "signal.pause()")]
    assert lend(words) == -signal.SIGTERM
    assert asked == [number]


def test_ctrl_c_is_meant_for_the_pictures(asked: list[int]) -> None:
    words = [sys.executable, "-c", WAITS.format("SIGINT", "os.kill(os.getpid(), signal.SIGINT)")]
    assert lend(words) != 0
    assert asked == []
    signal.raise_signal(signal.SIGINT)
    assert asked == [signal.SIGINT]
