"""Drawing outside the console: a process of its own is asked, so that neither keys nor training wait for a plot."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence

from xaitui.tui.plotting.figure import Drawing, Figure, one_row, to_wire

COMMAND = (sys.executable, "-m", "xaitui.tui.plotting.process")
PATIENCE = 30.0
"""Seconds after which an answer no longer comes; the first one waits for Python to start, on a machine that trains."""
LONGEST_LINE = 2**24


class Drawer:
    """Draws figures in a process that starts with the first of them, and again after it broke down.

    plotext draws in a few milliseconds, but in Python, and Python that runs here keeps a training thread from running.
    And it cannot end the console: its kernel is C++ that ends its own process where memory or a value is beyond it.
    """

    def __init__(self, command: Sequence[str] = COMMAND, patience: float = PATIENCE) -> None:
        self._command = command
        self._patience = patience
        self._process: Process | None = None
        self._turn = asyncio.Lock()
        self._number = 0
        self._closed = False

    async def draw(self, figure: Figure, width: int, height: int) -> Drawing:
        """Draw a figure in at most `height` rows of exactly `width` cells, after those that were asked for before.

        It raises nothing: a drawing that the process did not survive is one row that says so.
        """
        async with self._turn:
            if self._closed:
                return []
            try:
                return await asyncio.wait_for(self._ask(figure, width, height), self._patience)
            except (OSError, ValueError, TimeoutError) as error:
                await self._end()
                return one_row(f"plot: {str(error) or 'no answer of the drawing process'}", width)

    async def close(self) -> None:
        """End the process; what is being drawn comes to nothing."""
        self._closed = True
        self._kill()
        async with self._turn:
            await self._end()

    async def _ask(self, figure: Figure, width: int, height: int) -> Drawing:
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, limit=LONGEST_LINE
            )
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None
        assert answers is not None
        self._number += 1
        request = {"number": self._number, "figure": to_wire(figure), "width": width, "height": height}
        requests.write(json.dumps(request).encode() + b"\n")
        await requests.drain()
        while line := await answers.readline():
            answer = json.loads(line)
            if answer["number"] == self._number:  # an older one was asked for by somebody who no longer waits
                return [[(text, colour) for text, colour in row] for row in answer["rows"]]
        raise OSError("the drawing process ended")

    def _kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _end(self) -> None:
        self._kill()
        process, self._process = self._process, None
        if process is not None:
            if process.stdin is not None:
                process.stdin.close()
            await process.communicate()
