from __future__ import annotations

import fcntl
import io
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.run_commands import environment, spawn
from xaitui.cli.output.streams import guard_streams
from xaitui.system.safe_stream import SturdyStream


def stream_to(descriptor: int) -> SturdyStream:
    return SturdyStream(os.fdopen(descriptor, "w", encoding="utf-8"))


@pytest.fixture(params=["pipe", "pty", "full disk"])
def lost(request: pytest.FixtureRequest) -> Iterator[SturdyStream]:
    """A stream whose other end is gone, or that takes nothing."""
    match request.param:
        case "pipe":
            reader, writer = os.pipe()
            os.close(reader)
        case "pty":
            master, writer = pty.openpty()
            os.close(master)
        case _:
            writer = os.open("/dev/full", os.O_WRONLY)
    stream = stream_to(writer)
    yield stream
    stream.close()


def test_what_is_written_to_a_lost_stream_is_dropped(lost: SturdyStream) -> None:
    assert lost.write("a line\n") == 7
    lost.flush()
    assert lost.lost
    assert lost.write("another\n") == 8
    lost.writelines(["more\n", "and more\n"])
    lost.flush()


def test_what_was_still_in_the_buffer_does_not_fail_at_the_end(lost: SturdyStream) -> None:
    lost.write("a line\n")
    lost.flush()
    lost.close()


def test_a_signal_handler_may_speak_while_a_write_waits_for_the_terminal() -> None:
    """A stopped terminal (Ctrl-S) takes nothing; Ctrl-C then has a word to say in the middle of the write."""
    reader, writer = os.pipe()
    capacity, stream, heard = fcntl.fcntl(writer, fcntl.F_GETPIPE_SZ), stream_to(writer), threading.Event()
    main, text = threading.get_ident(), "x" * 4 * capacity

    def speak(number: int, frame: object) -> None:
        stream.write("stopping\n")
        stream.flush()
        heard.set()

    def disturb() -> None:
        while struct.unpack("i", fcntl.ioctl(reader, termios.FIONREAD, b"0000"))[0] < capacity:
            pass
        while not heard.is_set():  # the write may be just about to wait, and begin again
            signal.pthread_kill(main, signal.SIGUSR2)
            heard.wait(0.05)

    def drain() -> None:
        heard.wait(20)
        while os.read(reader, capacity):
            pass

    before = signal.signal(signal.SIGUSR2, speak)
    disturber = threading.Thread(target=disturb)
    drainer = threading.Thread(target=drain, daemon=True)
    try:
        disturber.start()
        drainer.start()
        assert stream.write(text) == len(text)
        stream.flush()
    finally:
        heard.set()
        disturber.join()
        signal.signal(signal.SIGUSR2, before)
        stream.close()
        drainer.join()
        os.close(reader)
    assert not stream.lost


def test_a_stream_that_is_closed_is_lost() -> None:
    stream = SturdyStream(io.StringIO())
    stream.close()
    assert stream.write("a line\n") == 7
    stream.flush()
    assert stream.lost


def test_a_sound_stream_is_as_it_was() -> None:
    reader, writer = os.pipe()
    stream = stream_to(writer)
    stream.write("a ")
    stream.writelines(["line", "\n"])
    stream.flush()
    assert os.read(reader, 100) == b"a line\n"
    assert not stream.lost
    assert stream.encoding == "utf-8"
    assert stream.fileno() == writer
    stream.close()
    os.close(reader)


def test_streams_are_guarded_once(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    guard_streams()
    guarded = sys.stdout, sys.stderr
    guard_streams()
    assert (sys.stdout, sys.stderr) == guarded
    assert all(isinstance(stream, SturdyStream) for stream in guarded)


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    """As with `| head -1`: there is no run whose log could note it, and nobody wants to read of it."""
    reader, writer = os.pipe()
    os.close(reader)
    with spawn(["models", "ls", "--all"], tmp_path, stdout=writer) as process:
        os.close(writer)
        _, said = process.communicate()
    assert process.returncode == 0
    assert "given up" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize("words", [["--help"], ["runs", "ls"], ["config", "show"], ["train", "--epoch"]])
def test_no_command_fails_for_want_of_a_terminal(words: list[str], tmp_path: Path) -> None:
    master, slave = pty.openpty()
    os.close(master)
    with spawn(words, tmp_path, stdin=slave, stdout=slave, stderr=slave) as process:
        os.close(slave)
    assert process.returncode == (2 if "train" in words else 0)


def test_streams_that_were_closed_before_the_start(tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" -m xaitui runs ls >&- 2>&-', sys.executable],
        cwd=tmp_path,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0
