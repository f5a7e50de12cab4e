"""The console and its terminal: signals, a line that drops, and what is left when the screen is gone."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import signal
import sys
import termios
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from types import FrameType

from rich.cells import cell_len
from textual.drivers import linux_driver

from xaitui.console_options import ConsoleOptions, First
from xaitui.errors import ExitCode
from xaitui.system.safe_stream import SturdyStream
from xaitui.tui.app import ConsoleApp
from xaitui.tui.threads import end_process, wait_for_threads

HANG_UP = 128 + signal.SIGHUP


def run_console(options: ConsoleOptions, first: First) -> int:
    """Show the console until it is left, and return its exit code.

    Whatever ends it (a key, a signal, a line that drops, an error in a screen), a run that is going on in this process
    is handed over to one in the background, unless a signal asked to end it.
    """
    app = ConsoleApp(replace(options, ascii=options.ascii or not _draws_unicode()), first)
    with _in_cells(), _Signals(app).handled() as signals:
        app.run()
        code = signals.exit_code or app.return_code or 0
        if app.is_training:
            from xaitui.tui.run_controller import HAND_OVER, TERMINATED

            app.controller.ask(TERMINATED if code in (ExitCode.TERMINATED, ExitCode.INTERRUPTED) else HAND_OVER)
            app.controller.join()
            app.farewell = app.farewell or "the run goes on in the background; look at it with: xaitui attach"
        are_over = wait_for_threads()
    if app.farewell and not signals.lost:
        sys.stdout.write(app.farewell + "\n")
        sys.stdout.flush()
    if not are_over:
        end_process(code)
    return code


def _draws_unicode() -> bool:
    """Whether the encoding of the terminal has every character."""
    return "utf" in (getattr(sys.__stderr__, "encoding", None) or "utf-8").lower()


def _cells(error: UnicodeError) -> tuple[str, int]:
    """Write ASCII of the same width, so that everything on the screen stays in its place."""
    assert isinstance(error, UnicodeEncodeError)
    return "".join(ASCII.get(each) or "?" * cell_len(each) for each in error.object[error.start : error.end]), error.end


ASCII = {"─": "-", "│": "|", "…": ".", "⏎": "<"}
"""What Textual draws by itself, and for which there is something like it."""
CELLS = "xaitui.cells"
codecs.register_error(CELLS, _cells)


@contextlib.contextmanager
def _in_cells() -> Iterator[None]:
    """Draw what the encoding of the terminal lacks as `_cells` writes it, for the length of the block."""
    stream = sys.__stderr__
    if not isinstance(stream, io.TextIOWrapper):
        yield
        return
    before = stream.errors
    stream.reconfigure(errors=CELLS)
    yield
    stream.reconfigure(errors=before)


def _tolerant_decoder(encoding: str) -> Callable[[], codecs.IncrementalDecoder]:
    """As `codecs.getincrementaldecoder`, for decoders that go on at bytes of line noise or of another encoding."""
    return partial(codecs.getincrementaldecoder(encoding), errors="replace")


linux_driver.getincrementaldecoder = _tolerant_decoder  # type: ignore[assignment,attr-defined]
"""Textual's driver would end the console at the first byte that is no UTF-8, and takes no other decoder."""


class _Signals:
    """What signals ask of a console that is shown."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self.exit_code = 0
        """The exit code of the signal that ended the console; 0 while none has."""
        self.lost = False
        """Whether the terminal is gone."""

    @contextlib.contextmanager
    def handled(self) -> Iterator[_Signals]:
        """Handle signals for the length of the block."""
        handlers = {signal.SIGHUP: self._hung_up, signal.SIGTERM: self._ended, signal.SIGINT: self._ended}
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        drawn_to, sys.__stderr__ = sys.__stderr__, SturdyStream(sys.__stderr__)  # type: ignore[assignment,arg-type,misc]
        try:
            yield self
        finally:
            sys.__stderr__ = drawn_to  # type: ignore[misc]
            for number, old in before.items():
                signal.signal(number, signal.SIG_IGN if self.lost and number == signal.SIGHUP else old)

    def _hung_up(self, number: int, frame: FrameType | None) -> None:
        """End as at any signal where the terminal is still there: somebody sent it by hand.

        From a terminal that is gone nothing may be read any more, nor written to it, or the loop would spin.
        """
        del number, frame
        if _is_terminal_there():
            self._end(HANG_UP)
            return
        self.lost = True
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        null = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        os.close(null)
        self._end(HANG_UP)

    def _ended(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._end(int(ExitCode.TERMINATED if number == signal.SIGTERM else ExitCode.INTERRUPTED))

    def _end(self, code: int) -> None:
        self.exit_code = self.exit_code or code
        loop = self._app.loop
        if loop is None:
            raise SystemExit(code)
        if not loop.is_closed():  # else the console has ended, and its run is being handed over
            loop.call_soon_threadsafe(self._app.exit, code)


def _is_terminal_there() -> bool:
    try:
        termios.tcgetattr(0)
    except (termios.error, OSError):
        return False
    return True
