"""Text streams that cannot end a program: a failing stream is abandoned, which is logged."""

from __future__ import annotations

import codecs
import contextlib
import logging
import os
from collections.abc import Iterable
from typing import Any, TextIO


def _escape(error: UnicodeError) -> tuple[str, int]:
    r"""Write characters as \uXXXX, which TOML and JSON read back; backslashreplace writes some as \xXX."""
    assert isinstance(error, UnicodeEncodeError)
    numbers = map(ord, error.object[error.start : error.end])
    return "".join(f"\\u{n:04x}" if n < 1 << 16 else f"\\U{n:08x}" for n in numbers), error.end


ESCAPE = "xaitui.escape"
codecs.register_error(ESCAPE, _escape)


class SturdyStream:
    """A text stream whose writes never fail.

    A terminal that is gone (EIO), a reader that left (EPIPE) or a full disk (ENOSPC) would otherwise raise at the next
    print, and with it end the training. What the encoding lacks is escaped.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost = False
        """Whether the stream was abandoned."""
        self.error: Exception | None = None
        """Reason for which it was abandoned."""

    def write(self, text: str) -> int:
        """Write, or do nothing once the stream is lost."""
        if not self.lost:
            try:
                try:
                    return self._stream.write(text)
                except UnicodeEncodeError:
                    encoding = self._stream.encoding
                    return self._stream.write(text.encode(encoding, ESCAPE).decode(encoding))
            except (OSError, ValueError) as error:
                self._give_up(error)
            except RuntimeError as error:
                _pass_over(error)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of `lines`."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush, or do nothing once the stream is lost."""
        if not self.lost:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._give_up(error)
            except RuntimeError as error:
                _pass_over(error)

    def _give_up(self, error: Exception) -> None:
        self.lost, self.error = True, error
        with contextlib.suppress(OSError, ValueError):
            # What is still in the buffer must not fail again when the interpreter ends.
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._stream.fileno())
            os.close(null)
        name = getattr(self._stream, "name", "a stream")
        logging.getLogger("xaitui").warning("output to %s was given up: %s", name, error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _pass_over(error: RuntimeError) -> None:
    """A signal handler that speaks in the middle of a write, which may wait for a stopped terminal, is not heard."""
    if "reentrant" not in str(error):
        raise error
