"""A program in a real terminal of a given size: what it is sent, what it sends and when, for the benchmarks."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

ASKED_SYNC, HAS_SYNC = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
"""The question whether the terminal takes a frame as a whole, and the answer of one that does, as most do by now."""


class Terminal:
    """Starts a program in a terminal of its own and reads what it draws in a thread, as fast as it comes.

    Times are those of `time.monotonic`, which all processes of a machine share.
    """

    def __init__(
        self, command: Sequence[str], size: tuple[int, int], environment: Mapping[str, str] | None = None
    ) -> None:
        self._master, slave = pty.openpty()
        columns, rows = size
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
        settings = kept | {"TERM": "xterm-256color", "COLORTERM": "truecolor"} | dict(environment or {})
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=settings, start_new_session=True
        )
        os.close(slave)
        self.sent: list[tuple[float, bytes]] = []
        """What the program has sent so far, each piece with the time it was read."""
        self._arrived = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        os.close(self._master)

    def write(self, keys: bytes) -> float:
        """Press keys, and return when."""
        now = time.monotonic()
        os.write(self._master, keys)
        return now

    def wait_for(self, words: Sequence[bytes], seconds: float = 60.0) -> float:
        """Return when the last of some words was there.

        Raises:
            TimeoutError: they did not all come.
        """
        deadline = time.monotonic() + seconds
        with self._arrived:
            while True:
                text = b"".join(piece for _, piece in self.sent)
                if all(word in text for word in words):
                    return self._time_of(max(text.index(word) + len(word) for word in words))
                if not self._arrived.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"{words} did not come; the last that came: {text[-2000:]!r}")

    def _time_of(self, length: int) -> float:
        for when, piece in self.sent:
            length -= len(piece)
            if length <= 0:
                return when
        raise ValueError("so much was not sent")

    def _read(self) -> None:
        while True:
            with contextlib.suppress(InterruptedError):
                if not select.select([self._master], [], [], 0.2)[0]:
                    if self.process.poll() is not None:
                        return
                    continue
            try:
                piece = os.read(self._master, 1 << 16)
            except OSError:  # the last one who had the terminal open is gone
                return
            now = time.monotonic()
            if ASKED_SYNC in piece:
                os.write(self._master, HAS_SYNC)
            with self._arrived:
                self.sent.append((now, piece))
                self._arrived.notify_all()
